"""Bindings of a file's columns to items of the questionnaire and roles of the interview.

The tool that wrote a file is recognised by the columns it always writes; it decides how columns
that are no questions are named.

`item/choice` is one choice of a question with several: the column says whether it was chosen.

A mapping file has the columns `column,item,value,code`. A row without `value` says which item or
role a column is; a row with `value` says which code a cell value means, empty for "no answer".
Columns that are named like an item or a role need no row.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import TypeVar

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.locale import Message, label_text, msg
from survey.questionnaire.model import Instrument
from survey.questionnaire.question_types import type_of
from survey.spreadsheets import escape_formula, unescape_formula
from survey.store.china_time import CHINA
from survey.tabular.reading import ANSWERS
from survey.tabular.text_files import read_delimited
from survey.tabular.text_table import TextTable


class ColumnRole(StrEnum):
    """Meaning of a column that is no answer to an item, such as city, time or weight."""

    CITY = "city"
    POINT = "point"
    STRATUM = "stratum"
    SURVEYOR = "surveyor"
    STARTED_AT = "started_at"
    DURATION = "duration"
    """Seconds from the first question to the last."""
    ENDED_AT = "ended_at"
    SUBMITTED_AT = "submitted_at"
    IDENTITY = "identity"
    """What the other tool calls the interview: the same again is the same interview."""
    WEIGHT = "weight"
    """How many people the interview stands for, by whoever drew the sample."""
    IGNORE = "ignore"


_Key = TypeVar("_Key", str, ColumnRole)
FIELDS = ("column", "item", "value", "code")


@dataclass(frozen=True)
class MappingFile:
    """Contents of a mapping file: what each column gives (item, choice, role), codes of values."""

    targets: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Column -> cell value, trimmed and case-folded -> code."""


@dataclass(frozen=True)
class ColumnBinding:
    """One used column: its index in the file, its name, and its item or role."""

    column_index: int
    column: str
    item: str | None
    role: ColumnRole | None
    codes: Mapping[str, str]

    def mean(self, text: str) -> str:
        """Return the code that the mapping gives for a cell text, or the text itself."""
        return self.codes.get(text.casefold(), text)


class ExportSource(StrEnum):
    """Tool that wrote a file of answers: own template, ODK, survey website, or another."""

    TEMPLATE = "template"
    ODK = "odk"
    SURVEY_SITE = "survey_site"
    OTHER = "other"


@dataclass(frozen=True)
class NamingConventions:
    """Tool that wrote a file of answers, and how it names columns of metadata and choices."""

    source: ExportSource = ExportSource.OTHER
    roles: Mapping[str, ColumnRole] = field(default_factory=dict)
    """Columns about the interview itself that this tool always writes."""
    separators: str = "/"
    """Characters that may stand between a group and an item."""
    submitted_zone: tzinfo = CHINA
    """Of moments of submission without a zone: the server's, not the interviewer's."""


@dataclass(frozen=True)
class SplitChoiceBinding:
    """Columns that together answer one question with several choices: column index -> choice."""

    item: str
    column: str
    """The columns as a person would name them."""
    parts: Mapping[int, str]
    codes: Mapping[int, Mapping[str, str]]


@dataclass(frozen=True)
class ColumnBindings:
    """Meaning of each column of a file (item, choice or role), and the unused columns."""

    items: tuple[ColumnBinding, ...]
    roles: Mapping[ColumnRole, ColumnBinding]
    unmapped: tuple[str, ...]
    splits: tuple[SplitChoiceBinding, ...]
    header: tuple[str, ...]
    conventions: NamingConventions

    @property
    def answered(self) -> frozenset[str]:
        """Names of the items answered by a column of their own or by columns of choices."""
        single = {binding.item for binding in self.items if binding.item is not None}
        return frozenset(single | {split.item for split in self.splits})

    @property
    def weight_column(self) -> str | None:
        """Name of the column that gives every interview its weight."""
        binding = self.roles.get(ColumnRole.WEIGHT)
        return binding.column if binding else None


def write_mapping(mapping: MappingFile) -> bytes:
    """Return the mapping as a CSV file that `read_mapping` and Excel read."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    rows = [(column, target, "", "") for column, target in mapping.targets.items()]
    for column, codes in mapping.codes.items():
        rows += [(column, "", value, code) for value, code in codes.items()]
    writer.writerows(map(escape_formula, row) for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def read_mapping(content: bytes) -> MappingFile:
    """Return what each column gives, and codes of values, from a mapping file (CSV).

    Raises:
        ImportNotPossibleError: A row is wrong; the message names it.
    """
    table = read_delimited(content)
    header = [name.casefold() for name in table.header]
    missing = [name for name in FIELDS[:2] if name not in header]
    if missing:
        raise ImportNotPossibleError(
            msg("The mapping file needs the columns {columns}.", columns=",".join(FIELDS))
        )
    targets: dict[str, str] = {}
    codes: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for number, cells in table.iter_rows():
        named = dict(zip(header, (unescape_formula(cell.strip()) for cell in cells), strict=False))
        column, item = named.get("column", ""), named.get("item", "")
        value, code = named.get("value", ""), named.get("code", "")
        if not column:
            raise ImportNotPossibleError(
                msg("Mapping file, row {row}: no column named.", row=number)
            )
        if value:
            _add_meaning(codes[column], value.casefold(), code, number)
        if item:
            _add_meaning(targets, column, item, number)
        elif not value:
            raise ImportNotPossibleError(
                msg("Mapping file, row {row}: neither an item nor a value.", row=number)
            )
    return MappingFile(targets, codes)


def _add_meaning(known: dict[str, str], key: str, meaning: str, number: int) -> None:
    if known.setdefault(key, meaning) != meaning:
        raise ImportNotPossibleError(
            msg(
                "Mapping file, row {row}: {name} was given another meaning above.",
                row=number,
                name=key,
            )
        )


def bind_columns(
    header: Sequence[str],
    instrument: Instrument,
    mapping: MappingFile,
    conventions: NamingConventions = NamingConventions(),
) -> ColumnBindings:
    """Bind every column to an item, a choice or a role; two columns never answer one item.

    The mapping comes first, then columns named like an item or role, then the tool's conventions.

    Raises:
        ImportNotPossibleError: The mapping does not fit, or two columns claim one target.
    """
    _check_mapping(header, instrument, mapping)
    items: dict[str, ColumnBinding] = {}
    roles: dict[ColumnRole, ColumnBinding] = {}
    parts: defaultdict[str, dict[str, ColumnBinding]] = defaultdict(dict)
    unmapped: list[str] = []
    for index, column in enumerate(header):
        target = mapping.targets.get(column) or default_target(column, instrument, conventions)
        codes = mapping.codes.get(column, {})
        if target is None:
            unmapped.append(column or f"({index + 1})")
        elif target in instrument.by_name:
            binding = ColumnBinding(index, column, target, None, codes)
            _claim_column(items, target, binding, target)
        elif (part := part_of(target, instrument)) is not None:
            binding = ColumnBinding(index, column, part[0], None, codes)
            _claim_column(parts[part[0]], part[1], binding, target)
        elif target != ColumnRole.IGNORE:
            role = ColumnRole(target)
            _claim_column(roles, role, ColumnBinding(index, column, None, role, codes), target)
    splits = tuple(
        _build_split_binding(item, by_choice)
        for item, by_choice in parts.items()
        if item not in items
    )
    return ColumnBindings(
        tuple(items.values()), roles, tuple(unmapped), splits, tuple(header), conventions
    )


def part_of(target: str, instrument: Instrument) -> tuple[str, str] | None:
    """Return item and choice if the target is one choice of a question with several, else None."""
    name, slash, choice = target.partition("/")
    item = instrument.by_name.get(name)
    if not slash or item is None or not type_of(item).allows_several:
        return None
    return (name, choice) if any(option.name == choice for option in item.choices) else None


def _build_split_binding(item: str, by_choice: Mapping[str, ColumnBinding]) -> SplitChoiceBinding:
    names = [binding.column for binding in by_choice.values()]
    return SplitChoiceBinding(
        item,
        names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}",
        {binding.column_index: choice for choice, binding in by_choice.items()},
        {binding.column_index: binding.codes for binding in by_choice.values()},
    )


def _claim_column(
    claimed: dict[_Key, ColumnBinding], key: _Key, binding: ColumnBinding, target: str
) -> None:
    other = claimed.setdefault(key, binding)
    if other is not binding:
        raise ImportNotPossibleError(
            msg(
                "Columns {first} and {second} are both {name}. Map one of them to ignore.",
                first=other.column,
                second=binding.column,
                name=target,
            )
        )


def _check_mapping(header: Sequence[str], instrument: Instrument, mapping: MappingFile) -> None:
    for column in (*mapping.targets, *mapping.codes):
        if column not in header:
            raise ImportNotPossibleError(
                msg("The mapping names a column {column} that the file lacks.", column=column)
            )
    for column, target in mapping.targets.items():
        item = instrument.by_name.get(target)
        known = target in set(ColumnRole) or part_of(target, instrument) is not None
        if item is None and not known:
            raise ImportNotPossibleError(
                msg(
                    "The mapping sends column {column} to {item}, which is neither an item of the "
                    "questionnaire nor one of {roles}.",
                    column=column,
                    item=target,
                    roles=", ".join(ColumnRole),
                )
            )
        if item is not None and not type_of(item).has_value:
            raise ImportNotPossibleError(msg("{item} is a note; it has no answers.", item=target))


def default_target(
    column: str, instrument: Instrument, conventions: NamingConventions
) -> str | None:
    """Return the item, choice or role that the column is named after, else None.

    Exports put groups in front of the name, as in `group/item`.
    """
    for name in _iter_suffixes(column, conventions.separators):
        item = instrument.by_name.get(name)
        if item is not None and type_of(item).has_value:
            return name
        if part_of(name, instrument) is not None:
            return name
    folded = column.casefold()
    if folded in set(ColumnRole) - {ColumnRole.IGNORE}:
        return folded
    return conventions.roles.get(column)


def _iter_suffixes(column: str, separators: str) -> Iterator[str]:
    """Yield a column's name with ever fewer groups in front: `a/b/c`, `b/c`, `c`."""
    yield column
    for index, character in enumerate(column):
        if character in separators:
            yield column[index + 1 :]


ROLE_NAMES: dict[ColumnRole, Message] = {
    ColumnRole.CITY: msg("city"),
    ColumnRole.POINT: msg("sampling point"),
    ColumnRole.STRATUM: msg("stratum"),
    ColumnRole.SURVEYOR: msg("surveyor"),
    ColumnRole.STARTED_AT: msg("beginning of the interview"),
    ColumnRole.ENDED_AT: msg("end of the interview"),
    ColumnRole.SUBMITTED_AT: msg("moment of handing in"),
    ColumnRole.DURATION: msg("duration in seconds"),
    ColumnRole.IDENTITY: msg("number of the interview in the other tool"),
    ColumnRole.WEIGHT: msg("design weight of the interview"),
    ColumnRole.IGNORE: msg("nothing: leave it out"),
}


def target_name(target: str, instrument: Instrument, language: str) -> str | Message:
    """Return the name of a target on screen: labels of an item or choice, name of a role."""
    item = instrument.by_name.get(target)
    if item is not None:
        return f"{label_text(item.label, language, target)} [{target}]"
    part = part_of(target, instrument)
    if part is None:
        return ROLE_NAMES[ColumnRole(target)]
    item = instrument.by_name[part[0]]
    choice = next(option for option in item.choices if option.name == part[1])
    return (
        f"{label_text(item.label, language, item.name)} — "
        f"{label_text(choice.label, language, choice.name)} [{target}]"
    )


SOURCE_NAMES: dict[ExportSource, Message] = {
    ExportSource.TEMPLATE: msg("our own template"),
    ExportSource.ODK: msg("an export of ODK or KoboToolbox"),
    ExportSource.SURVEY_SITE: msg("an export of a Chinese survey site"),
    ExportSource.OTHER: msg("a table of its own kind"),
}

_ODK_SIGNS = frozenset({"_uuid", "instanceid", "key", "_submission_time", "submissiondate"})
_ODK_ROLES: tuple[tuple[ColumnRole, tuple[str, ...]], ...] = (
    (ColumnRole.IDENTITY, ("instanceid", "_uuid", "key")),
    (ColumnRole.STARTED_AT, ("start", "starttime", "_start")),
    (ColumnRole.ENDED_AT, ("end", "endtime", "_end")),
    (ColumnRole.SUBMITTED_AT, ("_submission_time", "submissiondate")),
)
"""For each role the columns that may hold it, the best first."""
_ODK_REST = frozenset(
    {
        "deviceid", "phonenumber", "username", "subscriberid", "simserial", "simid", "email",
        "today", "audit", "instancename", "_id", "_index", "_parent_index", "_parent_table_name",
        "_notes", "_tags", "_status", "_submitted_by", "__version__", "_version_",
        "_validation_status", "_xform_id_string", "submitterid", "submittername",
        "attachmentspresent", "attachmentsexpected", "status", "reviewstate", "edits",
        "formversion", "devicename", "rootuuid", "_attachments", "_geolocation",
    }
)  # fmt: skip

_SERIAL = "\u5e8f\u53f7"
_SUBMITTED = "\u63d0\u4ea4\u7b54\u5377\u65f6\u95f4"
_DURATION_COLUMN = "\u6240\u7528\u65f6\u95f4"
_SITE_REST = frozenset(
    {_SERIAL, "\u6765\u6e90", "\u6765\u6e90\u8be6\u60c5", "\u6765\u81eaIP", "\u603b\u5206"}
)
"""Serial number, source, details of the source, IP address, total: no part of the interview.

The serial number starts anew in every questionnaire of a survey site, so it is no identity.
"""
_LAST = re.compile(r"[^/\-.:]+\Z")


def detect_source(table: TextTable) -> ExportSource:
    """Return the tool that wrote the table, judged by sheet name and header, else `OTHER`."""
    if table.sheet == ANSWERS and not table.other_sheets:
        return ExportSource.TEMPLATE
    header = set(table.header)
    if {_SERIAL, _SUBMITTED} <= header or {_SUBMITTED, _DURATION_COLUMN} <= header:
        return ExportSource.SURVEY_SITE
    if {_strip_groups(column) for column in table.header} & _ODK_SIGNS:
        return ExportSource.ODK
    return ExportSource.OTHER


def detect_conventions(table: TextTable) -> NamingConventions:
    """Return the naming conventions of the tool that wrote the table."""
    return naming_conventions(detect_source(table), table.header)


def naming_conventions(source: ExportSource, header: Sequence[str]) -> NamingConventions:
    """Return how a tool's files name metadata such as times and ids, for columns in `header`."""
    if source is ExportSource.SURVEY_SITE:
        roles = {column: ColumnRole.IGNORE for column in header if column in _SITE_REST}
        named = {_SUBMITTED: ColumnRole.SUBMITTED_AT, _DURATION_COLUMN: ColumnRole.DURATION}
        return NamingConventions(
            source, roles | {column: role for column, role in named.items() if column in header}
        )
    if source is ExportSource.ODK:
        return NamingConventions(
            source, _find_odk_columns(header), separators="/-.:", submitted_zone=UTC
        )
    return NamingConventions(source)


def _find_odk_columns(header: Sequence[str]) -> dict[str, ColumnRole]:
    by_last = {_strip_groups(column): column for column in reversed(header)}
    roles = {by_last[name]: ColumnRole.IGNORE for name in _ODK_REST if name in by_last}
    for role, names in _ODK_ROLES:
        present = [by_last[name] for name in names if name in by_last]
        roles |= dict.fromkeys(present[1:], ColumnRole.IGNORE)
        roles |= dict.fromkeys(present[:1], role)
    return roles


def _strip_groups(column: str) -> str:
    """Return the column's own name without the groups in front, as in `meta/instanceID`."""
    match = _LAST.search(column)
    return match[0].casefold() if match else column.casefold()
