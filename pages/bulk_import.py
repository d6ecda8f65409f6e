"""Bulk import: a file of interviews is checked, then written whole or not at all."""

from survey.ui.bulk_import import bulk_import
from survey.ui.navigation import PageKey
from survey.ui.page import run_page

run_page(PageKey.BULK_IMPORT, bulk_import)
