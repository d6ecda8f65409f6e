"""The public door: a static site of released figures, built from signed archives alone."""

SITE_PATH = "/data/"
"""Address below which the server shows the site."""
