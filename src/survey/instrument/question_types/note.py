"""Notes: texts that are shown and not answered."""

from survey.instrument.model import ItemKind
from survey.instrument.question_types.question_type import QuestionType, XlsformCells, refuse_any

NOTE = QuestionType(
    kind=ItemKind.NOTE,
    xlsform_names=("note",),
    write_xlsform=lambda _item, _name_list: XlsformCells("note"),
    parse_answer=refuse_any,
    import_hint=None,
    has_value=False,
)
