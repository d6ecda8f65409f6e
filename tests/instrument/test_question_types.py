"""Each kind of item is registered with all its parts, and a new type needs nothing else."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from survey.access.principal import OPERATOR
from survey.collection.importing.row_answers import cell_reader
from survey.collection.importing.template import write_template
from survey.locale import msg
from survey.questionnaire.browser_payload import browser_form
from survey.questionnaire.checks import check_instrument, figure_findings
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section
from survey.questionnaire.question_types import QUESTION_TYPES, type_of
from survey.questionnaire.question_types.question_type import (
    NOT_IN_ANSWERS,
    Answer,
    AnswerRefusal,
    CellValue,
    QuestionType,
    SnapshotColumn,
    XlsformCells,
)
from survey.questionnaire.validation import validate
from survey.questionnaire.xlsform.reader import read_xlsform
from survey.questionnaire.xlsform.writer import xlsform_bytes
from survey.screens.corrections import BACK_CHECK_FIELDS, CORRECTION_FIELDS
from survey.snapshots.response_frame import item_columns
from tests.instrument.sample_instrument import YES_NO, question
from tests.instrument.workbooks import form

TODAY = date(2024, 5, 1)


def made(kind: ItemKind) -> Item:
    """A well-formed item of this kind."""
    known = QUESTION_TYPES[kind]
    return question(
        f"a_{kind.value}",
        kind,
        choices=YES_NO if known.has_choice_list or known.is_ranked else (),
        calculation="1 + 1" if known.is_calculated else None,
        **({"minimum": 0, "maximum": 10, "step": 1} if kind is ItemKind.RATING else {}),
    )


def asking(*items: Item, version: str = "1") -> Instrument:
    return Instrument(
        name="types",
        version=version,
        title={"en": "Types"},
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(Section(name="all", items=items),),
    )


def english(item: Item) -> Item:
    choices = tuple(
        choice.model_copy(update={"label": {"en": choice.label["en"]}}) for choice in item.choices
    )
    return item.model_copy(update={"label": {"en": item.name}, "choices": choices})


@pytest.mark.parametrize("kind", ItemKind)
def test_every_kind_is_registered_under_its_own_name(kind: ItemKind) -> None:
    assert QUESTION_TYPES[kind].kind is kind


def test_what_is_asked_can_be_corrected() -> None:
    assert set(CORRECTION_FIELDS) == {kind for kind in ItemKind if QUESTION_TYPES[kind].is_asked}
    assert set(BACK_CHECK_FIELDS) <= set(CORRECTION_FIELDS)


def test_no_word_of_a_form_stands_for_two_types() -> None:
    names = [name for each in QUESTION_TYPES.values() for name in each.xlsform_names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", ItemKind)
def test_every_part_of_a_type_answers(kind: ItemKind) -> None:
    known, item = QUESTION_TYPES[kind], made(kind)
    for part in fields(QuestionType):
        assert getattr(known, part.name) is not None or part.name == "import_hint"
    assert known.is_asked is (known.import_hint is not None)
    assert list(known.list_problems(item)) == []
    assert isinstance(known.parse_answer(item, object()), AnswerRefusal)
    assert set(known.coded_columns(item)) <= set(item_columns(item, [None]))
    for column in item_columns(item, [None, NOT_IN_ANSWERS]).values():
        assert len(column) == 2
    assert known.format_answer(item, 5, "en").startswith("5")
    assert known.parse_cell("no such answer", {}) in ("no such answer", ["no such answer"])
    assert known.parse_entered("7") is not None


def test_every_type_survives_a_workbook(tmp_path: Path) -> None:
    # Photos are asked for at venues only; test_xlsform_roundtrip has the form of one.
    kinds = [kind for kind in ItemKind if not QUESTION_TYPES[kind].is_photo]
    instrument = asking(*(english(made(kind)) for kind in kinds))
    assert check_instrument(instrument) == ()
    (tmp_path / "types.xlsx").write_bytes(xlsform_bytes(instrument))
    assert read_xlsform(tmp_path / "types.xlsx").instrument == instrument


def test_only_chosen_and_rated_answers_may_be_published() -> None:
    kinds = {kind for kind in ItemKind if QUESTION_TYPES[kind].coded_columns(made(kind))}
    assert kinds == {ItemKind.RATING, ItemKind.SELECT_ONE, ItemKind.SELECT_MULTIPLE}


def test_scores_from_zero_are_listed() -> None:
    assert QUESTION_TYPES[ItemKind.RATING].list_codes(made(ItemKind.RATING)) == [*range(11)]


# A toy type: a postcode of six digits, in the place of the dates.


def parse_postcode(_item: Item, raw: object) -> Answer | AnswerRefusal:
    if isinstance(raw, str) and re.fullmatch("[0-9]{6}", raw):
        return raw
    return AnswerRefusal("postcode", msg("This is not a question."))


def postcode_columns(item: Item, values: Sequence[Any]) -> tuple[SnapshotColumn, ...]:
    starts = [value[:2] if isinstance(value, str) else None for value in values]
    return (SnapshotColumn(f"{item.name}/province", "string", starts),)


def parse_postcode_cell(text: str, _spellings: Mapping[str, str]) -> CellValue:
    return text.replace(" ", "").zfill(6)


POSTCODE = QuestionType(
    kind=ItemKind.DATE,
    xlsform_names=("postcode",),
    write_xlsform=lambda _item, _name_list: XlsformCells("postcode"),
    parse_answer=parse_postcode,
    import_hint=msg("a text"),
    list_problems=lambda item: iter([msg("The calculation is missing.")] if item.hint else []),
    browser_fields=lambda _item: {"max_length": 6},
    snapshot_columns=postcode_columns,
    format_answer=lambda _item, answer, _language: f"{answer[:2]}-{answer[2:]}",
    parse_cell=parse_postcode_cell,
)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> QuestionType:
    monkeypatch.setitem(QUESTION_TYPES, ItemKind.DATE, POSTCODE)
    return POSTCODE


@pytest.mark.usefixtures("toy")
def test_a_type_is_known_everywhere_by_its_entry_alone(tmp_path: Path) -> None:
    source = form(tmp_path, (("type", "name", "label"), ("postcode", "home", "Your postcode?")))
    instrument = read_xlsform(source).instrument.model_copy(update={"version": "toy"})
    item = instrument.by_name["home"]
    (tmp_path / "again.xlsx").write_bytes(xlsform_bytes(instrument))
    assert read_xlsform(tmp_path / "again.xlsx").instrument.by_name["home"] == item
    assert browser_form(instrument)["sections"][0]["items"][0]["max_length"] == 6

    assert validate(instrument, {"home": "100084"}, today=TODAY).answers == {"home": "100084"}
    refused = validate(instrument, {"home": "10008x"}, today=TODAY)
    assert [problem.code for problem in refused.problems] == ["postcode"]

    assert item_columns(item, ["100084", None])["home/province"].tolist()[0] == "10"
    assert cell_reader(item, {})("51 0000") == "510000"
    assert type_of(item).format_answer(item, "100084", "en") == "10-0084"
    assert [finding.item for finding in check_instrument(asking(hinted(item)))] == ["home"]


def hinted(item: Item) -> Item:
    return item.model_copy(update={"label": {"en": "Postcode"}, "hint": {"en": "Six digits"}})


def test_a_type_says_itself_whether_its_items_can_have_an_indicator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    item = english(made(ItemKind.DATE)).model_copy(update={"indicator": "1.1.1"})
    scored = asking(item).model_copy(update={"tree": "toy"})
    assert [finding.item for finding in check_instrument(scored)] == [item.name]
    assert figure_findings(scored) != ()
    monkeypatch.setitem(QUESTION_TYPES, ItemKind.DATE, replace(POSTCODE, is_score=True))
    assert check_instrument(scored) == ()
    assert figure_findings(scored) == ()


@pytest.mark.usefixtures("toy")
def test_a_type_explains_its_column_in_the_import_template() -> None:
    item = question("home", ItemKind.DATE)
    content = write_template(principal=OPERATOR, instrument=asking(item), cities={}, language="en")
    sheet = load_workbook(io.BytesIO(content))["answers"]
    header = [cell.value for cell in sheet[1]]
    assert sheet.cell(2, header.index("home") + 1).value == "home\n(a text)"


def test_a_type_may_leave_a_part_out() -> None:
    bare = replace(POSTCODE, snapshot_columns=QUESTION_TYPES[ItemKind.TEXT].snapshot_columns)
    assert bare.snapshot_columns(question("home", ItemKind.DATE), ["100084"]) == ()
