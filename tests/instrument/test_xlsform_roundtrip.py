"""Export and import again: the same instrument, and a workbook that other tools accept."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pyxform.xls2xform import convert

from survey.questionnaire.checks import check_instrument
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SectionExit,
    SpecialAnswer,
)
from survey.questionnaire.xlsform.reader import load_bundle, read_xlsform
from survey.questionnaire.xlsform.worksheets import strip_markup
from survey.questionnaire.xlsform.writer import xlsform_bytes
from tests.instrument.sample_instrument import sample

SEED = Path(__file__).parents[2] / "seed/instruments"
LANGUAGES = (
    Language(code="zh", name="中文"),
    Language(code="en", name="English"),
    Language(code="pt-br", name="Português (Brasil)"),
)


def again(instrument: Instrument, folder: Path) -> Instrument:
    path = folder / "again.xlsx"
    path.write_bytes(xlsform_bytes(instrument))
    imported = read_xlsform(path)
    assert imported.skipped == ()
    assert imported.warnings == ()
    return imported.instrument


@pytest.mark.parametrize(
    "name", ["main-2021", "main-2023", "elderly-2024", "minors-2024", "venue-check", "green-check"]
)
def test_shipped_questionnaires(name, tmp_path):
    instrument = load_bundle(SEED, name).instrument
    assert again(instrument, tmp_path).sha256 == instrument.sha256
    converted = convert(tmp_path / "again.xlsx", validate=False)
    assert "<h:title>" in converted.xform


def test_one_of_everything(tmp_path):
    instrument = sample()
    assert check_instrument(instrument) == ()
    assert again(instrument, tmp_path) == instrument


def test_texts_that_look_like_formulas_stay_texts(tmp_path):
    item = Item(
        name="q", kind=ItemKind.TEXT, label={"en": "=HYPERLINK(1)"}, constraint="-1 < number(.)"
    )
    instrument = Instrument(
        name="f",
        version="=1+1",
        title={"en": "+1"},
        default_language="en",
        languages=LANGUAGES[1:2],
        sections=(Section(name="s", items=(item,)),),
    )
    assert again(instrument, tmp_path) == instrument
    for sheet in load_workbook(tmp_path / "again.xlsx"):
        assert {cell.data_type for row in sheet for cell in row} <= {"s", "n"}


def test_a_version_of_one_dash_is_a_version(tmp_path):
    instrument = sample().model_copy(update={"version": "-"})
    assert again(instrument, tmp_path) == instrument


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="${}\x7f", exclude_categories=["C", "Z"]),
    min_size=1,
    max_size=8,
)
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join).map(strip_markup).filter(bool)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
EXPRESSIONS = ("1 = 1", "today() > '2024-01-01'", "regex('a', '[a-z]') and not('' = \"x\")")
SPECIALS = st.lists(st.sampled_from(list(SpecialAnswer)), unique=True).map(tuple)


class Author:
    """Writes an instrument, drawing every decision."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.languages = LANGUAGES[: draw(st.integers(1, 3))]
        self.asked: list[str] = []

    def instrument(self) -> Instrument:
        count = self.draw(st.integers(1, 3))
        return Instrument(
            name=self.draw(NAMES),
            version=self.draw(WORDS),
            title=self.labels(),
            tree="cca-2023",
            default_language=self.draw(st.sampled_from(self.languages)).code,
            languages=self.languages,
            sections=tuple(self.section(number) for number in range(count)),
        )

    def section(self, number: int) -> Section:
        return Section(
            name=f"s{number}",
            title=self.maybe_labels(),
            relevant=self.condition(),
            ends=self.draw(st.sampled_from([None, None, *SectionExit])),
            items=tuple(self.item() for _ in range(self.draw(st.integers(1, 5)))),
        )

    def labels(self) -> dict[str, str]:
        return {language.code: self.draw(TEXTS) for language in self.languages}

    def maybe_labels(self) -> dict[str, str]:
        return self.labels() if self.draw(st.booleans()) else {}

    def choices(self, names: list[str]) -> tuple[Choice, ...]:
        return tuple(Choice(name=name, label=self.labels()) for name in names)

    def condition(self) -> str | None:
        answered = [f"${{{name}}} != 'x'" for name in self.asked]
        return self.draw(st.sampled_from([None, *EXPRESSIONS, *answered]))

    def item(self) -> Item:
        kind = self.draw(st.sampled_from(list(ItemKind)))
        name = self.draw(NAMES.filter(lambda each: each not in {*self.asked, "s0", "s1", "s2"}))
        fields: dict[str, object] = {
            "name": name, "kind": kind, "relevant": self.condition(),
            "module": self.draw(st.sampled_from([None, "core"])),
            "sensitive": self.draw(st.booleans()), "is_measured": self.draw(st.booleans()),
        }  # fmt: skip
        self.asked.append(name)
        if kind is ItemKind.CALCULATE:
            return Item(**fields, calculation=self.draw(st.sampled_from(EXPRESSIONS)))
        fields |= {"label": self.labels(), "hint": self.maybe_labels()}
        if kind is ItemKind.NOTE:
            return Item(**fields)
        return Item(**fields, **self.question(), **self.answers(kind))

    def question(self) -> dict[str, object]:
        return {
            "required": self.draw(st.booleans()),
            "required_message": self.maybe_labels(),
            "constraint": self.draw(st.sampled_from([None, ". != 3"])),
            "constraint_message": self.maybe_labels(),
            "appearance": self.draw(st.sampled_from([None, "multiline", "w1 minimal"])),
        }

    def filtered(self, choices: tuple[Choice, ...]) -> dict[str, object]:
        cells = st.sampled_from(["x", "y 1", "2"])
        row = st.dictionaries(st.sampled_from(["of", "size"]), cells, min_size=1)
        rows = st.lists(row, min_size=1, max_size=2).map(tuple)
        first = ({"of": "x"},)
        columns = [first, *(self.draw(rows) for _ in choices[1:])]
        return {
            "choices": tuple(
                choice.model_copy(update={"columns": each})
                for choice, each in zip(choices, columns, strict=True)
            ),
            "choice_filter": "of = 'x' or name = 'y'",
        }

    def answers(self, kind: ItemKind) -> dict[str, object]:
        fields: dict[str, object] = {"specials": self.draw(SPECIALS)}
        if kind in (ItemKind.SELECT_ONE, ItemKind.SELECT_MULTIPLE, ItemKind.RANK):
            names = self.draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
            fields["choices"] = self.choices(names)
            if kind is not ItemKind.RANK and self.draw(st.booleans()):
                fields |= self.filtered(fields["choices"])
        if kind in (ItemKind.INTEGER, ItemKind.DECIMAL):
            fields["minimum"] = self.draw(st.sampled_from([None, -3, 0, 2.5]))
            fields["step"] = self.draw(st.sampled_from([None, 0.5]))
        return {**fields, **self.rating()} if kind is ItemKind.RATING else fields

    def rating(self) -> dict[str, object]:
        low, points = self.draw(st.integers(0, 3)), self.draw(st.integers(2, 30))
        high = low + points - 1
        fields: dict[str, object] = {
            "minimum": low, "maximum": high, "step": 1,
            "indicator": self.draw(st.sampled_from([None, "1.1.1", "A-1"])),
            "low_label": self.maybe_labels(), "high_label": self.maybe_labels(),
        }  # fmt: skip
        if self.draw(st.booleans()):
            special = self.draw(SPECIALS)
            fields["choices"] = self.choices([str(score) for score in range(low, high + 1)])
            fields["specials"] = special
            fields["special_labels"] = {code: self.labels() for code in special}
        return fields


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    """Any questionnaire that says something: XLSForm knows languages by their texts alone."""
    instrument = Author(draw).instrument()
    if any(item.kind is ItemKind.PHOTO for item in instrument.items()):
        instrument = instrument.model_copy(update={"unit": "venue"})
    assume(
        any(part.title for part in instrument.sections) or any(i.label for i in instrument.items())
    )
    return instrument


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(instrument=instruments())
def test_any_instrument_comes_back(instrument, tmp_path):
    returned = again(instrument, tmp_path)
    assert returned == instrument
    assert returned.sha256 == instrument.sha256
