"""Public site of released figures: static, built from signed archives alone."""

SITE_PATH = "/data/"
"""Address below which the server shows the site."""
SCRIPTED_PAGES = frozenset({"verify/index.html", "en/verify/index.html"})
"""Pages that run a script; every other page of the site needs none."""
