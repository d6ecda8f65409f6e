"""Rows of a table as a person reads them."""

from survey.tabular.text_table import TextTable


def rows_of(table: TextTable) -> list[tuple[int, list[str]]]:
    """Number and cells of each row; a row that is too short ends where the file's does."""
    return [
        (number, list(cells[: table.uneven.get(place, len(cells))]))
        for place, (number, cells) in enumerate(table.iter_rows())
    ]
