"""Nested groups of rows of the survey sheet, before items are built."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count

from pyxform import aliases
from pyxform.parsing.expression import is_xml_tag
from pyxform.xls2json import RE_BEGIN_CONTROL, RE_END_CONTROL

from survey.locale import Message, msg
from survey.questionnaire.xlsform.import_log import ImportLog
from survey.questionnaire.xlsform.worksheets import (
    SETTINGS,
    NamedRow,
    QuestionRow,
    Worksheet,
    WorksheetRow,
    read_type,
)

_COMMENT_COLUMNS = ("name", "label")


@dataclass(slots=True)
class QuestionGroup(NamedRow):
    repeats: bool = False
    children: list["QuestionRow | QuestionGroup"] = field(default_factory=list)

    def questions(self) -> Iterator[QuestionRow]:
        for child in self.children:
            if isinstance(child, QuestionGroup):
                yield from child.questions()
            else:
                yield child


def build_group_tree(sheet: Worksheet, log: ImportLog) -> QuestionGroup:
    """Return the survey sheet's rows as nested groups; log errors for faulty rows and groups."""
    builder = _Builder(log)
    for row in sheet.rows:
        if row.cells and aliases.yes_no.get(row.text("disabled")) is not True:
            builder.add_row(row)
    return builder.finish()


class _Builder:
    def __init__(self, log: ImportLog) -> None:
        self.log = log
        self.stack = [QuestionGroup(WorksheetRow(1, {}), "")]
        self.taken: set[str] = set()
        self.taken_by_groups: set[str] = set()

    def add_row(self, row: WorksheetRow) -> None:
        kind = read_type(row)
        if not kind:
            self.without_type(row)
        elif match := RE_BEGIN_CONTROL.match(kind.lower()):
            self.begin(row, repeats=aliases.control[match["type"]] != "group")
        elif RE_END_CONTROL.match(kind.lower()):
            self.end(row)
        elif kind in SETTINGS:
            self.log.warning(
                msg("“{type}” belongs on the settings sheet.", type=kind), row=row.number
            )
        else:
            self.stack[-1].children.append(QuestionRow(row, self.name(row, kind), kind))

    def without_type(self, row: WorksheetRow) -> None:
        """Log an error for a row without a type that has a name or a label; ignore comments."""
        if any(row.translations(column) for column in _COMMENT_COLUMNS):
            self.log.error(
                msg("This row has no type."),
                row=row.number,
                column="type",
                suggestion=msg("Write a type such as text or select_one, or clear the row."),
            )

    def begin(self, row: WorksheetRow, *, repeats: bool) -> None:
        if len(self.stack) > 20:
            self.log.error(msg("Groups are nested too deeply."), row=row.number)
            return
        group = QuestionGroup(row, self.name(row, "group"), repeats)
        self.stack[-1].children.append(group)
        self.stack.append(group)

    def end(self, row: WorksheetRow) -> None:
        if len(self.stack) > 1:
            self.stack.pop()
            return
        self.log.error(
            msg("This ends a group that was never begun."),
            row=row.number,
            column="type",
            suggestion=msg("Remove the row, or add begin_group above."),
        )

    def name(self, row: WorksheetRow, kind: str) -> str:
        """Return the row's name, made unique in the form; log an error if it is not valid."""
        name = row.text("name")
        if not name and kind in ("note", "group"):
            name = f"{kind}_{row.number}"
        problem = _find_name_problem(name)
        if problem is not None:
            self.log.error(
                problem,
                row=row.number,
                column="name",
                suggestion=msg("Write a name of letters, digits and _, starting with a letter."),
            )
            return f"row_{row.number}"
        return self.unique(row, name, self.taken_by_groups if kind == "group" else self.taken)

    def unique(self, row: WorksheetRow, name: str, used_names: set[str]) -> str:
        """Return `name`, changed if it is in `used_names`, and add it there; log a change."""
        group = self.stack[-1].name
        numbered = (f"{name}_{n}" for n in count(2))
        candidates = chain((name, f"{group}_{name}"), numbered)
        chosen = next(each for each in candidates if each not in used_names)
        used_names.add(chosen)
        if chosen != name:
            self.log.warning(
                msg("The name “{name}” is taken; this one becomes “{new}”.", name=name, new=chosen),
                row=row.number,
                column="name",
                item=chosen,
            )
        return chosen

    def finish(self) -> QuestionGroup:
        for group in self.stack[1:]:
            self.log.error(
                msg("The group “{name}” has no end.", name=group.name),
                row=group.row.number,
                column="type",
                suggestion=msg("Add a row of the type end_group after its last question."),
            )
        return self.stack[0]


def _find_name_problem(name: str) -> Message | None:
    if not name:
        return msg("This row has no name.")
    if len(name) > 100:
        return msg("The name is longer than {limit} characters.", limit=100)
    if not is_xml_tag(name) or not re.fullmatch(r"[^\W\d][\w.-]*", name):
        return msg("“{name}” cannot be a name.", name=name)
    return None
