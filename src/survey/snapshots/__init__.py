"""Snapshots: the approved responses of a wave as typed Parquet with a manifest."""
