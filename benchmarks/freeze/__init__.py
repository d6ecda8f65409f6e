"""Sums and tables of a wave of any size, from files of its cities."""
