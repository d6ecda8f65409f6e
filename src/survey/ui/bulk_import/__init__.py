"""The page of bulk import."""

from survey.ui.bulk_import.page import draw_bulk_import

__all__ = ["draw_bulk_import"]
