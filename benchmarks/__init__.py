"""Measurements behind docs/performance.md; none of them is a test."""
