"""Findings collected while a form is read: errors, skipped parts and warnings."""

from typing import Literal

from survey.instrument.findings import Finding, Severity
from survey.locale import Message

Unsupported = Literal["refuse", "skip"]

SURVEY = "survey"
CHOICES = "choices"
SETTINGS = "settings"


class ImportLog:
    """Log of findings; what is unsupported is an error or is skipped, as the user chose."""

    def __init__(self, unsupported: Unsupported) -> None:
        self.skips = unsupported == "skip"
        self.errors: list[Finding] = []
        self.skipped: list[Finding] = []
        self.warnings: list[Finding] = []

    def error(
        self,
        message: Message,
        *,
        sheet: str = SURVEY,
        row: int | None = None,
        column: str | None = None,
        item: str | None = None,
        instead: Message | None = None,
    ) -> None:
        self.errors.append(Finding(message, Severity.ERROR, instead, sheet, row, column, item))

    def unsupported(
        self,
        message: Message,
        *,
        sheet: str = SURVEY,
        row: int | None = None,
        column: str | None = None,
        item: str | None = None,
        instead: Message | None = None,
    ) -> None:
        severity = Severity.WARNING if self.skips else Severity.ERROR
        finding = Finding(message, severity, instead, sheet, row, column, item)
        (self.skipped if self.skips else self.errors).append(finding)

    def follows(self, message: Message, *, row: int, column: str | None, item: str) -> None:
        """Report what is left out because something before was, if leaving out is allowed."""
        if self.skips:
            self.unsupported(message, row=row, column=column, item=item)

    def warning(
        self,
        message: Message,
        *,
        sheet: str = SURVEY,
        row: int | None = None,
        column: str | None = None,
        item: str | None = None,
    ) -> None:
        self.warnings.append(Finding(message, Severity.WARNING, None, sheet, row, column, item))
