"""The question types, one module each; docs/adding-a-question-type.md says how to add one."""

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.calculate import CALCULATE
from survey.instrument.question_types.date import DATE
from survey.instrument.question_types.decimal import DECIMAL
from survey.instrument.question_types.integer import INTEGER
from survey.instrument.question_types.note import NOTE
from survey.instrument.question_types.photo import PHOTO
from survey.instrument.question_types.question_type import QuestionType
from survey.instrument.question_types.rating import RATING
from survey.instrument.question_types.select_multiple import SELECT_MULTIPLE
from survey.instrument.question_types.select_one import SELECT_ONE
from survey.instrument.question_types.text import TEXT

QUESTION_TYPES: dict[ItemKind, QuestionType] = {
    question_type.kind: question_type
    for question_type in (
        RATING,
        SELECT_ONE,
        SELECT_MULTIPLE,
        INTEGER,
        DECIMAL,
        TEXT,
        DATE,
        NOTE,
        CALCULATE,
        PHOTO,
    )
}


def type_of(item: Item) -> QuestionType:
    """Return the question type of an item."""
    return QUESTION_TYPES[item.kind]


def find_type(xlsform_name: str) -> QuestionType | None:
    """Return the question type that a word in the column `type` of an XLSForm stands for."""
    return next(
        (each for each in QUESTION_TYPES.values() if xlsform_name in each.xlsform_names), None
    )
