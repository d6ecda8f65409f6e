"""Sign-in and account pages, which are plain HTML outside Streamlit."""
