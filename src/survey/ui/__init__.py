"""Streamlit furniture shared by the pages."""
