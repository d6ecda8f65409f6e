"""Sampling: city frame, sample sizes, quotas, sampling points."""
