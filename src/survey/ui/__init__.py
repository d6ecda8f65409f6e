"""Streamlit user interface: the parts that the pages are made of."""
