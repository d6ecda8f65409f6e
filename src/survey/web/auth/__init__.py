"""Sign-in pages outside Streamlit."""
