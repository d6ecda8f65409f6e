"""Bulk import page: a file of interviews is checked, then written whole or not at all."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.bulk_import import draw_bulk_import

run_page(PageKey.BULK_IMPORT, draw_bulk_import)
