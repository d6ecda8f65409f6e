"""Views, charts and files that show the results of waves."""
