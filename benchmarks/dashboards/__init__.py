"""Server time of a warm filter change on the dashboards."""
