"""Public site of released figures: static, built from signed archives alone."""

SITE_PATH = "/data/"
"""Address below which the server shows the site."""
