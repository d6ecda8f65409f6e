"""Codebook of a wave: what every column of its exported rows means, in several formats."""
