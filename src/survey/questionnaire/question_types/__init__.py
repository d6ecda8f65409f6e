"""The question types, one module each; docs/adding-a-question-type.md says how to add one."""

from survey.questionnaire.model import Item, ItemKind
from survey.questionnaire.question_types.numbers import DECIMAL, INTEGER, RATING
from survey.questionnaire.question_types.question_type import QuestionType
from survey.questionnaire.question_types.rank import RANK
from survey.questionnaire.question_types.select_one import SELECT_MULTIPLE, SELECT_ONE
from survey.questionnaire.question_types.text import (
    CALCULATE,
    DATE,
    DATETIME,
    NOTE,
    PHOTO,
    TEXT,
    TIME,
)

QUESTION_TYPES: dict[ItemKind, QuestionType] = {
    question_type.kind: question_type
    for question_type in (
        RATING,
        SELECT_ONE,
        SELECT_MULTIPLE,
        RANK,
        INTEGER,
        DECIMAL,
        TEXT,
        DATE,
        TIME,
        DATETIME,
        NOTE,
        CALCULATE,
        PHOTO,
    )
}


def type_of(item: Item) -> QuestionType:
    """Return the question type of an item."""
    return QUESTION_TYPES[item.kind]


def find_type(xlsform_name: str) -> QuestionType | None:
    """Return the question type for a word in an XLSForm's column `type`; None if unknown."""
    return next(
        (each for each in QUESTION_TYPES.values() if xlsform_name in each.xlsform_names), None
    )
