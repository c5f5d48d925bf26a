"""The server's own answers beside Streamlit's: sign-in, downloads, the guard before all."""
