"""Log of findings on rows of the survey sheet, with the headers of the file."""

from survey.instrument.xlsform.group_tree import QuestionRow
from survey.instrument.xlsform.import_log import FindingDetails, ImportLog
from survey.instrument.xlsform.worksheets import Worksheet
from survey.locale import Message


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
        self.log.error(message, **self._details(question, column, suggestion))

    def unsupported(
        self,
        question: QuestionRow,
        message: Message,
        column: str,
        suggestion: Message | None = None,
    ) -> None:
        """Add a part that is left out if leaving out is allowed, and prevents the import else."""
        self.log.unsupported(message, **self._details(question, column, suggestion))

    def warning(self, question: QuestionRow, message: Message, column: str | None = None) -> None:
        """Add a finding that the import goes on with."""
        self.log.warning(message, **self._details(question, column))

    def _details(
        self, question: QuestionRow, column: str | None, suggestion: Message | None = None
    ) -> FindingDetails:
        return {
            "row": question.row.number,
            "column": self.sheet.header(column) if column else None,
            "item": question.name,
            "suggestion": suggestion,
        }
