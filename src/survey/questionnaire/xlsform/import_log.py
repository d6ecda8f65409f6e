"""Findings collected while a form is read, and the error that lists them for its author."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Literal, TypedDict, Unpack

from survey.locale import Message, SurveyError, msg
from survey.questionnaire.checks import Finding, Severity
from survey.questionnaire.xlsform.worksheets import NamedRow, Worksheet

Unsupported = Literal["refuse", "skip"]

SURVEY = "survey"
CHOICES = "choices"
EXTERNAL_CHOICES = "external_choices"
SETTINGS = "settings"


def suggest_name(name: str, known: Iterable[str], otherwise: Message) -> Message:
    """Return advice on an unknown name: the most similar of the known ones, else `otherwise`."""
    similar = get_close_matches(name, list(known), n=1)
    return msg("Did you mean “{name}”?", name=similar[0]) if similar else otherwise


class FindingPlace(TypedDict, total=False):
    """Place of a finding in a workbook: row, column and item."""

    row: int | None
    column: str | None
    """On the sheet `survey` by its meaning, on others as it stands in the file."""
    item: str | None


class FindingDetails(FindingPlace, total=False):
    """Place of a finding, its sheet (default: `survey`), and a suggestion to the author."""

    sheet: str
    suggestion: Message | None


def place_of(named: NamedRow, column: str | None = None) -> FindingPlace:
    """Return row number, name and column, as the place of a finding about a question or group."""
    return {"row": named.row.number, "item": named.name, "column": column}


class ImportLog:
    """Log of findings on a form; unsupported parts are errors or are skipped, as the user chose."""

    def __init__(self, survey: Worksheet, unsupported: Unsupported) -> None:
        self._survey = survey
        self.skips = unsupported == "skip"
        self.errors: list[Finding] = []
        self.skipped: list[Finding] = []
        self.warnings: list[Finding] = []

    def error(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a finding on the form that prevents the import."""
        self.errors.append(self._build_finding(message, Severity.ERROR, details))

    def unsupported(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add an unsupported part: as skipped if the user allows that, else as an error."""
        if self.skips:
            self.skipped.append(self._build_finding(message, Severity.WARNING, details))
        else:
            self.error(message, **details)

    def follows(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a part that depends on a skipped one, as skipped; without skipping do nothing."""
        if self.skips:
            self.unsupported(message, **details)

    def warning(self, message: Message, **details: Unpack[FindingDetails]) -> None:
        """Add a warning, which does not prevent the import."""
        self.warnings.append(self._build_finding(message, Severity.WARNING, details))

    def _build_finding(
        self, message: Message, severity: Severity, details: FindingDetails
    ) -> Finding:
        column = details.get("column")
        if details.setdefault("sheet", SURVEY) == SURVEY and column is not None:
            details["column"] = self._survey.header(column)
        return Finding(message, severity, **details)


_MAX_SHOWN_FINDINGS = 20


class XlsformError(SurveyError):
    """Raised when the form in a workbook cannot be imported; `findings` lists the reasons."""

    code = "xlsform"

    def __init__(self, findings: Sequence[Finding], skipped: Sequence[Finding] = ()) -> None:
        """Build the message from all findings, `skipped` first, as they may cause errors."""
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
    """Return a finding on a form, with its place and advice, as one text."""
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
