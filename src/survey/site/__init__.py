"""Public site of released figures: static, built from signed archives alone."""

SITE_PATH = "/data/"
"""Address below which the server shows the site."""
CHARTS, TABLES = "charts", "tables"
"""Folders below a wave whose pages may be framed by everybody: charts and tables to embed."""
CHECKING_PAGES = frozenset({"verify/index.html", "en/verify/index.html"})
"""Pages whose script reads manifests and keys of the site, to check a file with."""
USEFUL = "useful"
"""Where the form of the readers' survey sends its answer, below the address of the site."""
