"""Types without choices or numbers: open text, date, time, photo, calculation, note."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from uuid import UUID

from survey.locale import Message, msg
from survey.questionnaire.expressions.values import is_date
from survey.questionnaire.model import MAX_TEXT, Item, ItemKind
from survey.questionnaire.question_types.question_type import (
    Answer,
    AnswerRefusal,
    CellValue,
    QuestionType,
    XlsformCells,
    half_width,
    number_columns,
    refuse_any,
    text_columns,
)

_UUID_CHARS = 36


def _parse_photo_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
    if isinstance(raw, str) and len(raw) == _UUID_CHARS:
        try:
            return str(UUID(raw))
        except ValueError:
            pass
    return AnswerRefusal("photo", msg("Please take a photo."))


PHOTO = QuestionType(
    kind=ItemKind.PHOTO,
    xlsform_names=("image", "photo"),
    write_xlsform=lambda _item, _name_list: XlsformCells("image"),
    parse_answer=_parse_photo_answer,
    import_hint=msg("the id of a photo"),
    # It has no column in a frozen wave: it may show people.
    is_photo=True,
    browser_fields=lambda item: {"keeps_place": True} if item.keeps_place else {},
)


def _list_problems(item: Item) -> Iterator[Message]:
    if item.calculation is None:
        yield msg("The calculation is missing.")


CALCULATE = QuestionType(
    kind=ItemKind.CALCULATE,
    xlsform_names=("calculate", "calculate_here", "hidden"),
    parse_answer=refuse_any,
    import_hint=None,
    is_shown=False,
    list_problems=_list_problems,
    snapshot_columns=number_columns,
)


NOTE = QuestionType(
    kind=ItemKind.NOTE,
    xlsform_names=("note",),
    parse_answer=refuse_any,
    import_hint=None,
    has_value=False,
)


_DAY = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[ T].*)?")


def _parse_date_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str) or not is_date(raw):
        return AnswerRefusal(
            "date", msg("Please enter a date of the calendar, such as 2024-05-01.")
        )
    return raw


def _parse_cell(text: str, _spellings: Mapping[str, str]) -> CellValue:
    match = _DAY.fullmatch(text)
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else text


DATE = QuestionType(
    kind=ItemKind.DATE,
    xlsform_names=("date",),
    parse_answer=_parse_date_answer,
    import_hint=msg("a date such as 2024-05-01"),
    is_compared=True,
    snapshot_columns=text_columns,
    parse_cell=_parse_cell,
)


_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9](?:\.[0-9]+)?)?")


_MOMENT = re.compile(r"(\S*[0-9])(?:T| +)([0-9]\S*)")


def _is_time(text: str) -> bool:
    """Return whether a text is a time of the day as browsers write it: HH:MM."""
    return len(text) == 5 and _TIME.fullmatch(text) is not None


def _read_time(text: str) -> str:
    """Return a time of the day as HH:MM, seconds cut off; any other text unchanged."""
    match = _TIME.fullmatch(half_width(text))
    return f"{match[1]:0>2}:{match[2]}" if match else text


def _parse_time_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
    if not isinstance(raw, str) or not _is_time(raw):
        return AnswerRefusal("time", msg("Please enter a time of the day, such as 09:30."))
    return raw


TIME = replace(
    DATE,
    kind=ItemKind.TIME,
    xlsform_names=("time",),
    write_xlsform=lambda _item, _name_list: XlsformCells("time"),
    parse_answer=_parse_time_answer,
    import_hint=msg("a time such as 09:30"),
    parse_cell=lambda text, _spellings: _read_time(text),
)


def _parse_datetime_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
    day, _, time = raw.partition("T") if isinstance(raw, str) else ("", "", "")
    if not is_date(day) or not _is_time(time):
        return AnswerRefusal(
            "datetime", msg("Please enter a date with a time, such as 2024-05-01 09:30.")
        )
    return f"{day}T{time}"


def _parse_datetime_cell(text: str, _spellings: Mapping[str, str]) -> CellValue:
    match = _MOMENT.fullmatch(half_width(text))
    return f"{_parse_cell(match[1], {})}T{_read_time(match[2])}" if match else text


DATETIME = replace(
    DATE,
    kind=ItemKind.DATETIME,
    xlsform_names=("datetime",),
    write_xlsform=lambda _item, _name_list: XlsformCells("dateTime"),
    parse_answer=_parse_datetime_answer,
    import_hint=msg("a date with a time such as 2024-05-01 09:30"),
    format_answer=lambda _item, answer, _language: str(answer).replace("T", " "),
    parse_cell=_parse_datetime_cell,
    parse_entered=lambda entered: _parse_datetime_cell((entered or "").strip(), {}),
)


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
    parse_answer=_parse_answer,
    import_hint=msg("a text"),
    # It has no column in a frozen wave: it may name people, and no estimate reads it.
    is_open_text=True,
    browser_fields=lambda _item: {"max_length": MAX_TEXT},
)
