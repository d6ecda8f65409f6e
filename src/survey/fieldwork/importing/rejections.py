"""What can be wrong with a file, and with one row of it."""

from dataclasses import dataclass

from survey.instrument.model import Labels
from survey.locale import Message, SurveyError, msg

MAX_SHOWN_CHARS = 60
"""So much of a bad value is repeated to the person who has to find it."""


class FileUnreadableError(SurveyError):
    """The file as a whole cannot be read; nothing was written."""

    code = "file_unreadable"


class ImportNotPossibleError(SurveyError):
    """File, mapping, questionnaire and wave do not fit together; nothing was written."""

    code = "import_impossible"


class ImportCancelledError(SurveyError):
    """Somebody stopped the work; nothing was written."""

    code = "import_cancelled"

    def __init__(self) -> None:
        super().__init__(msg("The import was cancelled. Nothing was written."))


@dataclass(frozen=True, slots=True)
class RowRejection:
    """Why one row stays out; rows are numbered as a spreadsheet does, the header is row 1."""

    row: int
    column: str
    value: str
    message: Labels | Message

    @classmethod
    def of(cls, row: int, column: str, value: str, message: Labels | Message) -> "RowRejection":
        shown = value if len(value) <= MAX_SHOWN_CHARS else f"{value[:MAX_SHOWN_CHARS]}…"
        return cls(row, column, shown, message)
