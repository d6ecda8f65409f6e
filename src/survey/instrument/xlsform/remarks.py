"""Remarks on rows of the survey sheet, in the words of the file."""

from survey.instrument.xlsform.journal import Journal
from survey.instrument.xlsform.outline import Question
from survey.instrument.xlsform.sheets import Sheet
from survey.locale import Message


class Remarks:
    """The journal, told by question and column name."""

    def __init__(self, sheet: Sheet, journal: Journal) -> None:
        self.sheet = sheet
        self.journal = journal

    def error(
        self, question: Question, message: Message, column: str, instead: Message | None = None
    ) -> None:
        self.journal.error(
            message,
            row=question.row.number,
            column=self.sheet.header(column),
            item=question.name,
            instead=instead,
        )

    def unsupported(
        self, question: Question, message: Message, column: str, instead: Message | None = None
    ) -> None:
        self.journal.unsupported(
            message,
            row=question.row.number,
            column=self.sheet.header(column),
            item=question.name,
            instead=instead,
        )

    def warning(self, question: Question, message: Message, column: str | None = None) -> None:
        self.journal.warning(
            message,
            row=question.row.number,
            column=self.sheet.header(column) if column else None,
            item=question.name,
        )
