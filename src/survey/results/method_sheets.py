"""Method sheets: what a reviewer asks of a frozen wave beside its scores, a table each.

A sheet is declared here with its columns and words; `results/sheet_builders.py` names the function
that makes it when the wave is frozen. Pages, commands, API, codebook and releases know no sheet by
itself: they read this list.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import Message, msg

KEYS = ("area_level", "area", "group", "indicator", "line", "item")
"""What a row is about: a cell of the results, the kind of line, what of (a mode, a question)."""
OBSTACLE = "obstacle"
"""Column with the code of the reason why a row has no figure; empty where it has one."""
NOT_COMPUTED = "not_computed"
_OBSTACLES: dict[str, Message] = {
    NOT_COMPUTED: msg(
        "This wave was frozen by a version that did not make this table. An administrator makes it "
        "with the command: survey recompute"
    )
}


@dataclass(frozen=True)
class SheetColumn:
    """Column of a sheet: what it means, and its decimals; None: a text."""

    meaning: Message
    decimals: int | None = 1


@dataclass(frozen=True)
class MethodSheet:
    """One sheet: key (command, address and file), name, columns beside `KEYS`, and obstacles."""

    key: str
    name: Message
    summary: Message
    lines: Mapping[str, Message]
    """Kind of line -> what it says."""
    columns: Mapping[str, SheetColumn]
    obstacles: Mapping[str, Message]
    """Code -> sentence that says why a row, or the whole sheet, has no figures."""

    @property
    def file(self) -> str:
        """Name of its file in a snapshot."""
        return f"sheet-{self.key}.parquet"

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(name for name, each in self.columns.items() if each.decimals is not None)

    def build_obstacle(self, code: str) -> pd.DataFrame:
        """Return the sheet with one row, which says why it could not be made."""
        row = dict(zip(KEYS, ("nation", NATION, EVERYONE, COMPOSITE, "", ""), strict=True))
        return pd.DataFrame([row | {OBSTACLE: code}])


FAIRNESS = MethodSheet(
    key="fairness",
    name=msg("Fair comparison"),
    summary=msg("Scores of cities without the effects of who was asked and how"),
    lines={"overlap": msg("Interviews of each mode, by what they weigh")},
    columns={"n_effective": SheetColumn(msg("Effective number of interviews, two digits"), 0)},
    obstacles={
        "no_composite": msg(
            "The questions of this wave make no composite, so no city is compared here."
        )
    },
)
SHEETS: Mapping[str, MethodSheet] = {sheet.key: sheet for sheet in (FAIRNESS,)}
"""Every sheet by its key, in the order of files and pages."""
LINE_NAMES: Mapping[str, Message] = {
    code: name for sheet in SHEETS.values() for code, name in sheet.lines.items()
}
OBSTACLE_SENTENCES: Mapping[str, Message] = _OBSTACLES | {
    code: sentence for sheet in SHEETS.values() for code, sentence in sheet.obstacles.items()
}
SHEET_DECIMALS: Mapping[str, int] = {
    name: column.decimals
    for sheet in SHEETS.values()
    for name, column in sheet.columns.items()
    if column.decimals is not None
}
SHEET_TEXTS = frozenset({"line", "item", OBSTACLE}) | {
    name for sheet in SHEETS.values() for name in sheet.columns if name not in SHEET_DECIMALS
}
