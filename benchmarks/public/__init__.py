"""The public site: time and size of one release, and requests beside respondents."""
