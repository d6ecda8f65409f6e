"""Signing in with an account: forms and their routes, outside Streamlit."""
