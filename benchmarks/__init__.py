"""Measurements behind docs/performance.md; none of them is a test."""

# First of all, as in every process of the product: Arrow reads its settings when it is imported.
import survey  # noqa: F401
