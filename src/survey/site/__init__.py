"""Public site of released figures: static, built from signed archives alone."""

SITE_PATH = "/data/"
"""Address below which the server shows the site."""
CHARTS, TABLES = "charts", "tables"
"""Folders below a wave whose pages may be framed by everybody: charts and tables to embed."""
