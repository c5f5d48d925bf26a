"""The script that Streamlit runs for every page; :mod:`dashboard.web` serves it.

It has a folder of its own: Streamlit takes a folder ``pages`` beside the script for pages that it runs by
themselves, without the frame around them.
"""

from dashboard import app

app.main()
