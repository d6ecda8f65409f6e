"""Lists of single complaints with a planted word in every cell that is not counted."""

import csv
import io
from pathlib import Path

from survey.counts.bringing_in.proposal import propose_mapping
from survey.counts.count_kinds import COMPLAINTS
from survey.settings import PROJECT_ROOT

EXAMPLE = PROJECT_ROOT / "seed" / "context" / "examples" / "complaint_cases_12315.csv"
FURTHER = ("投诉人微信", "调解员备注", "narrative", "备用列")
"""Columns that a system may have besides."""


AMOUNT = "涉案金额（元）"
"""Column that is read besides the mapped ones."""


class Room:
    """A case list with planted words, and everything that can be seen of it afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.planted: list[str] = []
        content = EXAMPLE.read_bytes()
        self.mapping = propose_mapping(COMPLAINTS, content, of_cases=True).mapping
        self.read = (*self.mapping.heads, AMOUNT)
        self.rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))

    def plant(self) -> str:
        word = f"planted{len(self.planted):04d}word"
        self.planted.append(word)
        return word

    def write(self, name: str, *, wrong: str = "") -> Path:
        """Write the list with a planted word in each unmapped cell, and one in column `wrong`."""
        heads, *rows = self.rows
        places = [heads.index(head) for head in self.read]
        lines = [[*heads, *FURTHER]]
        for row in rows:
            cells = [cell if at in places else self.plant() for at, cell in enumerate(row)]
            lines.append([*cells, *(self.plant() for _ in FURTHER)])
        if wrong:
            lines[2][heads.index(wrong)] = self.plant()
        path = self.folder / name
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(lines)
        return path

    def find_told(self, kept: dict[str, bytes]) -> list[tuple[str, str]]:
        """Return where a planted word is, in any encoding that a file of ours has."""
        return [
            (where, word)
            for where, content in kept.items()
            for word in self.planted
            if any(word.encode(each) in content for each in ("utf-8", "utf-16-le", "utf-16-be"))
        ]
