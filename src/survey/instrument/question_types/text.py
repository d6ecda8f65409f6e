"""Open questions, answered in the respondent's own words."""

import re

from survey.instrument.model import MAX_TEXT, Item, ItemKind
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    QuestionType,
    XlsformCells,
)
from survey.locale import msg

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""What no database column or JSON document should hold."""


def _parse_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str):
        return AnswerRefusal("type", msg("Please enter a text."))
    if len(raw) > MAX_TEXT:
        return AnswerRefusal(
            "too_long", msg("Please shorten the text to {limit} characters.", limit=MAX_TEXT)
        )
    return _UNWRITABLE.sub("", raw.replace("\r\n", "\n").replace("\r", "\n")).strip()


TEXT = QuestionType(
    kind=ItemKind.TEXT,
    xlsform_names=("text", "string"),
    write_xlsform=lambda _item, _name_list: XlsformCells("text"),
    parse_answer=_parse_answer,
    import_hint=msg("a text"),
    # It has no column in a frozen wave: it may name people, and no estimate reads it.
    is_open_text=True,
    browser_fields=lambda _item: {"max_length": MAX_TEXT},
)
