"""Errors of reading a workbook, with messages by which its author can mend it."""

from collections.abc import Iterable, Sequence

from survey.instrument.findings import Finding
from survey.locale import Message, SurveyError, msg

_MAX_SHOWN_FINDINGS = 20


class WorkbookError(SurveyError):
    """Raised when a file is not opened: damaged, encrypted, too large, or with macros."""

    code = "workbook"


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
