"""Results of checks and imports: what is wrong, where, and what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from survey.locale import Message


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark for a person; the place is known as far as the fields are filled."""

    message: Message
    severity: Severity = Severity.ERROR
    suggestion: Message | None = None
    sheet: str | None = None
    row: int | None = None
    """As the spreadsheet numbers it: the header is row 1."""
    column: str | None = None
    item: str | None = None


def only_errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
