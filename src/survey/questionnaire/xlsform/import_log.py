"""Findings collected while a form is read, and the error that lists them for its author."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict, Unpack

from survey.locale import Message, SurveyError, msg
from survey.questionnaire.checks import Finding, Severity
from survey.questionnaire.xlsform.worksheets import QuestionRow, Worksheet

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
        self.errors.append(_build_finding(message, Severity.ERROR, details))

    def unsupported(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a part that is left out if leaving out is allowed, and prevents the import else."""
        if self.skips:
            self.skipped.append(_build_finding(message, Severity.WARNING, details))
        else:
            self.error(message, **details)

    def follows(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Report what is left out because something before was, if leaving out is allowed."""
        if self.skips:
            self.unsupported(message, **details)

    def warning(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a finding that the import goes on with."""
        self.warnings.append(_build_finding(message, Severity.WARNING, details))


def _build_finding(message: Message, severity: Severity, details: FindingDetails) -> Finding:
    details.setdefault("sheet", SURVEY)
    return Finding(message, severity, **details)


class RowLog:
    """Import log addressed by question and column name."""

    def __init__(self, sheet: Worksheet, log: ImportLog) -> None:
        self.sheet = sheet
        self.log = log

    def error(
        self,
        question: QuestionRow,
        message: Message,
        column: str,
        suggestion: Message | None = None,
    ) -> None:
        """Add a finding that prevents the import."""
        self.log.error(message, **self._build_details(question, column, suggestion))

    def unsupported(
        self,
        question: QuestionRow,
        message: Message,
        column: str,
        suggestion: Message | None = None,
    ) -> None:
        """Add a part that is left out if leaving out is allowed, and prevents the import else."""
        self.log.unsupported(message, **self._build_details(question, column, suggestion))

    def warning(self, question: QuestionRow, message: Message, column: str | None = None) -> None:
        """Add a finding that the import goes on with."""
        self.log.warning(message, **self._build_details(question, column))

    def _build_details(
        self, question: QuestionRow, column: str | None, suggestion: Message | None = None
    ) -> FindingDetails:
        return {
            "row": question.row.number,
            "column": self.sheet.header(column) if column else None,
            "item": question.name,
            "suggestion": suggestion,
        }


_MAX_SHOWN_FINDINGS = 20


class XlsformError(SurveyError):
    """Raised when the form in a workbook cannot be imported; `findings` say why."""

    code = "xlsform"

    def __init__(self, findings: Sequence[Finding], skipped: Sequence[Finding] = ()) -> None:
        """List `skipped` first in the message, as errors may follow from what was left out."""
        self.findings = (*skipped, *findings)
        whole = msg("The form cannot be imported:")
        if skipped:
            left_out = _join_lines(
                msg("Left out because it is not supported:"), _list_findings(skipped)
            )
            whole = _join_lines(left_out, [whole])
        super().__init__(_join_lines(whole, _list_findings(findings)))


def _list_findings(findings: Sequence[Finding]) -> list[Message]:
    lines = [format_finding(finding) for finding in findings[:_MAX_SHOWN_FINDINGS]]
    if len(findings) > _MAX_SHOWN_FINDINGS:
        lines.append(msg("… and {count} more.", count=len(findings) - _MAX_SHOWN_FINDINGS))
    return lines


def _join_lines(head: Message, lines: Iterable[Message]) -> Message:
    whole = head
    for line in lines:
        whole = msg("{above}\n{line}", above=whole, line=line)
    return whole


def format_finding(finding: Finding) -> Message:
    """Return the finding with its place and advice as one text."""
    text = finding.message
    if finding.suggestion is not None:
        text = msg("{message} {instead}", message=text, instead=finding.suggestion)
    if finding.sheet is None or finding.row is None:
        return text
    if finding.column is None:
        return msg("{sheet}, row {row}: {text}", sheet=finding.sheet, row=finding.row, text=text)
    return msg(
        "{sheet}, row {row}, column {column}: {text}",
        sheet=finding.sheet,
        row=finding.row,
        column=finding.column,
        text=text,
    )
