"""Photos as evidence: the answer is the id under which the browser sent the photo."""

from uuid import UUID

from survey.instrument.model import Item, ItemKind
from survey.instrument.question_types.question_type import (
    Answer,
    AnswerRefusal,
    QuestionType,
    XlsformCells,
)
from survey.locale import msg

_UUID_CHARS = 36


def _parse_answer(_item: Item, raw: object) -> Answer | AnswerRefusal:
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
    parse_answer=_parse_answer,
    import_hint=msg("the id of a photo"),
    # It has no column in a frozen wave: it may show people.
    is_photo=True,
    browser_fields=lambda item: {"keeps_place": True} if item.keeps_place else {},
)
