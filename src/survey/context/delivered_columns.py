"""Columns of a delivery: names in files, which are required, and how a header is matched."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from survey.fieldwork.importing.rejections import ImportNotPossibleError
from survey.locale import msg


@dataclass(frozen=True)
class DeliveredColumn:
    """Column by its names in files, the first of which the template has."""

    names: tuple[str, ...]
    required: bool
    example: str

    def has_name(self, key: str, header: str) -> bool:
        """Return whether a head of a file means this column: its key, or one of its names."""
        wanted = header.strip().lower()
        return wanted == key or wanted in (name.lower() for name in self.names)


def read_columns(path: Path) -> dict[str, DeliveredColumn]:
    """Return the columns of a delivery by their key, as the seed file lists them."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["key"]: DeliveredColumn(
                tuple(row["names"].split(";")), row["required"] == "yes", row["example"]
            )
            for row in csv.DictReader(file)
        }


def bind_columns(
    header: Sequence[str], columns: Mapping[str, DeliveredColumn]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the position of each column in a file, and the heads that nothing uses.

    Raises:
        ImportNotPossibleError: A required column is missing, or two columns mean the same.
    """
    places: dict[str, int] = {}
    ignored = []
    for number, head in enumerate(header):
        key = next((key for key, column in columns.items() if column.has_name(key, head)), None)
        if key is None:
            ignored.append(head)
        elif key in places:
            raise ImportNotPossibleError(
                msg("Two columns are called {name}. Please keep one of them.", name=head)
            )
        else:
            places[key] = number
    missing = [
        column.names[0] for key, column in columns.items() if column.required and key not in places
    ]
    if missing:
        raise ImportNotPossibleError(
            msg(
                "The file has no column {missing}. Required are: {required}.",
                missing=", ".join(missing),
                required=", ".join(each.names[0] for each in columns.values() if each.required),
            )
        )
    return places, tuple(each for each in ignored if each)
