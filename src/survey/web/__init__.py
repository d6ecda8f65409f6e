"""Public form, JSON APIs, sign-in pages and health checks, served in one process with Streamlit."""
