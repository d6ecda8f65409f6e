"""Sampling: city frame, population margins, sample sizes, quotas, code lists of areas."""
