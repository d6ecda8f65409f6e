"""Which tool wrote a file, told by the columns that this tool always writes."""

import re
from collections.abc import Sequence
from datetime import UTC
from enum import StrEnum

from survey.fieldwork.importing.column_mapping import ColumnRole, NamingConventions
from survey.fieldwork.importing.table_reading import ANSWERS, ImportTable
from survey.locale import Message, msg


class ExportSource(StrEnum):
    TEMPLATE = "template"
    ODK = "odk"
    SURVEY_SITE = "survey_site"
    OTHER = "other"


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


def detect_source(table: ImportTable) -> ExportSource:
    """Who wrote the table; `OTHER` when nothing gives it away."""
    if table.sheet == ANSWERS and not table.other_sheets:
        return ExportSource.TEMPLATE
    header = set(table.header)
    if {_SERIAL, _SUBMITTED} <= header or {_SUBMITTED, _DURATION_COLUMN} <= header:
        return ExportSource.SURVEY_SITE
    if {_last(column) for column in table.header} & _ODK_SIGNS:
        return ExportSource.ODK
    return ExportSource.OTHER


def naming_conventions(source: ExportSource, header: Sequence[str]) -> NamingConventions:
    """How files of this tool name what is not a question."""
    if source is ExportSource.SURVEY_SITE:
        return NamingConventions(_site_columns(header))
    if source is ExportSource.ODK:
        return NamingConventions(_odk_columns(header), separators="/-.:", submitted_zone=UTC)
    return NamingConventions()


def _site_columns(header: Sequence[str]) -> dict[str, ColumnRole]:
    roles = {column: ColumnRole.IGNORE for column in header if column in _SITE_REST}
    named = {_SUBMITTED: ColumnRole.SUBMITTED_AT, _DURATION_COLUMN: ColumnRole.DURATION}
    return roles | {column: role for column, role in named.items() if column in header}


def _odk_columns(header: Sequence[str]) -> dict[str, ColumnRole]:
    by_last = {_last(column): column for column in reversed(header)}
    roles = {by_last[name]: ColumnRole.IGNORE for name in _ODK_REST if name in by_last}
    for role, names in _ODK_ROLES:
        present = [by_last[name] for name in names if name in by_last]
        roles |= dict.fromkeys(present[1:], ColumnRole.IGNORE)
        roles |= dict.fromkeys(present[:1], role)
    return roles


def _last(column: str) -> str:
    """The column's own name without the groups in front, `meta/instanceID`."""
    match = _LAST.search(column)
    return match[0].casefold() if match else column.casefold()
