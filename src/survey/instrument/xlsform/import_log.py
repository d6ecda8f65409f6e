"""Findings collected while a form is read: errors, skipped parts and warnings."""

from typing import Literal, TypedDict, Unpack

from survey.instrument.findings import Finding, Severity
from survey.locale import Message

Unsupported = Literal["refuse", "skip"]

SURVEY = "survey"
CHOICES = "choices"
SETTINGS = "settings"


class FindingDetails(TypedDict, total=False):
    """Where a finding is, on the sheet `survey` unless it says another, and what to write there."""

    sheet: str
    row: int | None
    column: str | None
    item: str | None
    suggestion: Message | None


class ImportLog:
    """Log of findings; what is unsupported is an error or is skipped, as the user chose."""

    def __init__(self, unsupported: Unsupported) -> None:
        self.skips = unsupported == "skip"
        self.errors: list[Finding] = []
        self.skipped: list[Finding] = []
        self.warnings: list[Finding] = []

    def error(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a finding that prevents the import."""
        self.errors.append(_finding(message, Severity.ERROR, details))

    def unsupported(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a part that is left out if leaving out is allowed, and prevents the import else."""
        if self.skips:
            self.skipped.append(_finding(message, Severity.WARNING, details))
        else:
            self.error(message, **details)

    def follows(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Report what is left out because something before was, if leaving out is allowed."""
        if self.skips:
            self.unsupported(message, **details)

    def warning(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a finding that the import goes on with."""
        self.warnings.append(_finding(message, Severity.WARNING, details))


def _finding(message: Message, severity: Severity, details: FindingDetails) -> Finding:
    details.setdefault("sheet", SURVEY)
    return Finding(message, severity, **details)
