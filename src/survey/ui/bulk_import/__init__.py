"""The page of bulk import."""

from survey.ui.bulk_import.screen import bulk_import

__all__ = ["bulk_import"]
