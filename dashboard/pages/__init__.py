"""The pages, one a module: each has ``page(visit)``, which draws it with Streamlit. Thin."""
