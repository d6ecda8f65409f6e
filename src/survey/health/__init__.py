"""Checks of an installation: software, store, data folder, and what faces the public."""
