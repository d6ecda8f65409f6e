"""Parked interviews: finished ones that came too late to count, and what becomes of them."""
