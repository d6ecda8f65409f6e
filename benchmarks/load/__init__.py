"""Whole interviews over HTTP from many phones at once."""
