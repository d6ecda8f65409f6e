"""Views, charts and tables of results, for one reader at a time."""
