"""Bulk import page: a file of interviews is checked, then written whole or not at all."""

from survey.ui.bulk_import import draw_bulk_import
from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page

run_page(PageKey.BULK_IMPORT, draw_bulk_import)
