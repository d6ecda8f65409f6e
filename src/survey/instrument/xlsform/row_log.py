"""Log of findings on rows of the survey sheet, with the headers of the file."""

from survey.instrument.xlsform.group_tree import QuestionRow
from survey.instrument.xlsform.import_log import ImportLog
from survey.instrument.xlsform.worksheets import Worksheet
from survey.locale import Message


class RowLog:
    """Import log addressed by question and column name."""

    def __init__(self, sheet: Worksheet, journal: ImportLog) -> None:
        self.sheet = sheet
        self.journal = journal

    def error(
        self, question: QuestionRow, message: Message, column: str, instead: Message | None = None
    ) -> None:
        self.journal.error(
            message,
            row=question.row.number,
            column=self.sheet.header(column),
            item=question.name,
            instead=instead,
        )

    def unsupported(
        self, question: QuestionRow, message: Message, column: str, instead: Message | None = None
    ) -> None:
        self.journal.unsupported(
            message,
            row=question.row.number,
            column=self.sheet.header(column),
            item=question.name,
            instead=instead,
        )

    def warning(self, question: QuestionRow, message: Message, column: str | None = None) -> None:
        self.journal.warning(
            message,
            row=question.row.number,
            column=self.sheet.header(column) if column else None,
            item=question.name,
        )
