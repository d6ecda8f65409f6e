"""Walking the route once for all rows gives each the verdict that it has alone."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.collection.importing.row_answers import cell_reader, restrict_instrument
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    PrivacyRole,
    Section,
    SectionExit,
    SpecialAnswer,
)
from survey.questionnaire.question_types import type_of
from survey.questionnaire.validation import validate
from survey.tabular.text_table import CodedColumn, group_rows
from tests.instrument.column_verdicts import validate_rows

WORDS = {"en": "x", "zh": "x"}
NAMES = tuple("abcdefgh")
DAYS = (date(2026, 5, 20), date(2010, 1, 1))
CHOICES = tuple(Choice(name=name, label={"en": name.upper()}) for name in ("yes", "no", "other"))
CONDITIONS = (
    "${{{0}}} = 'yes'", "${{{0}}} != ''", "selected(${{{0}}}, 'no')", "${{{0}}} > 5",
    "${{{0}}} < ${{{1}}}", "not(${{{0}}} = ${{{1}}})", "count-selected(${{{0}}}) > 1",
    "${{{0}}} = '' or today() > '2020-01-01'", "true()", "false()",
)  # fmt: skip
CONSTRAINTS = (
    ". > 3", ". != 'no'", "not(selected(., 'no') and count-selected(.) > 1)", ". <= today()",
    ". < ${{{0}}}", ". != ${{{0}}} or ${{{1}}} = ''", "regex(., '[0-9]+')",
)  # fmt: skip
OFFERED = tuple(
    choice.model_copy(update={"columns": rows})
    for choice, rows in zip(
        CHOICES, (({"of": "yes"},), ({"of": "no"}, {"of": "5"}), ({},)), strict=True
    )
)
FILTERS = (
    "of = ${{{0}}}",
    "${{{0}}} = '' or name != ${{{1}}}",
    "selected(${{{0}}}, of)",
    "of = 'x'",
)
CALCULATIONS = (
    "${{{0}}} + 1", "${{{0}}} div ${{{1}}}", "number(today()) - ${{{0}}}", "if(${{{0}}}, 1.5, '')",
    "${{{0}}}", "'always'", "1 div 0", "${{{0}}} = ${{{1}}}",
)  # fmt: skip
TEXTS = st.sampled_from(
    ["", " ", "yes", "no", "NO", "other", "yes no", "yes;other", ";", "1", "3", "5.5", "8", "8.0",
     "11", "-2", "1e3", "nan", "dk", "na", "refused", "does not know", "2024-05-01", "2024/5/1",
     "2024-13-01", "a" * 3000, "\x07", "=1+1", "0b1e5e0a-7a39-4b0c-8f0e-2d9a3c41be77", "13", "14"]
)  # fmt: skip


def _formulas(of: tuple[str, ...]) -> st.SearchStrategy[str]:
    names = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))
    return st.builds(lambda source, two: source.format(*two), st.sampled_from(of), names)


@st.composite
def _items(draw: st.DrawFn, name: str) -> Item:
    kind = draw(st.sampled_from(list(ItemKind)))
    asked = kind not in (ItemKind.NOTE, ItemKind.CALCULATE)
    is_number = kind in (ItemKind.RATING, ItemKind.INTEGER, ItemKind.DECIMAL)
    is_select = kind in (ItemKind.SELECT_ONE, ItemKind.SELECT_MULTIPLE)
    has_choices = is_select or kind is ItemKind.RANK
    condition = draw(st.none() | _formulas(CONDITIONS))
    is_filtered = is_select and draw(st.booleans())
    choices = OFFERED if is_filtered else CHOICES
    condition_on_choices = draw(_formulas(FILTERS)) if is_filtered else None
    roles = [None, None, None, *PrivacyRole]
    return Item(
        name=name,
        kind=kind,
        label=WORDS,
        required=asked and draw(st.booleans()),
        required_message=draw(st.sampled_from([{}, WORDS])),
        relevant=condition,
        constraint=draw(st.none() | _formulas(CONSTRAINTS)) if asked else None,
        constraint_message=draw(st.sampled_from([{}, WORDS])),
        calculation=draw(_formulas(CALCULATIONS)) if kind is ItemKind.CALCULATE else None,
        choices=choices if has_choices else (),
        choice_filter=condition_on_choices,
        minimum=draw(st.sampled_from([None, 1, 0.5])) if is_number else None,
        maximum=draw(st.sampled_from([None, 10])) if is_number else None,
        step=draw(st.sampled_from([None, 0.5, 2])) if is_number else None,
        specials=tuple(draw(st.sets(st.sampled_from(list(SpecialAnswer))))) if asked else (),
        privacy=draw(st.sampled_from(roles)) if asked else None,
    )


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    """Small questionnaires with every kind of question, condition and ending."""
    names = list(NAMES)
    sections = []
    for number in range(draw(st.integers(1, 3))):
        taken = [names.pop(0) for _ in range(draw(st.integers(1, 4))) if names]
        sections.append(
            Section(
                name=f"s{number}",
                relevant=draw(st.none() | _formulas(CONDITIONS)),
                ends=draw(st.sampled_from([None, None, *SectionExit])),
                items=tuple(draw(_items(name)) for name in taken),
            )
        )
    return Instrument(
        name="generated",
        version="1",
        title=WORDS,
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=tuple(sections),
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(
    instrument=instruments(),
    present=st.sets(st.sampled_from([*NAMES, "unknown"]), min_size=1),
    numeric=st.booleans(),
    cells=st.lists(
        st.tuples(st.sampled_from(DAYS), st.lists(TEXTS, min_size=9, max_size=9)),
        min_size=1,
        max_size=8,
    ),
)
def test_each_row_has_the_verdict_of_an_interview(
    instrument: Instrument, present: set[str], numeric: bool, cells: list[Any]
) -> None:
    """Texts of a file, read by their items: answers, problems in order, lost answers, ending."""
    columns = {
        name: place
        for place, name in enumerate(NAMES)
        if name in present
        and (item := instrument.by_name.get(name)) is not None
        and type_of(item).has_value
    }
    restricted = restrict_instrument(instrument, columns, dict.fromkeys(columns, numeric))
    items = {**instrument.by_name, **restricted.by_name}
    rows = []
    for _, texts in cells:
        values = {
            name: cell_reader(items[name], {})(texts[place]) for name, place in columns.items()
        }
        if "unknown" in present:
            values["unknown"] = texts[-1]
        rows.append(values)
    days = [day for day, _ in cells]
    for row, day, found in zip(rows, days, validate_rows(restricted, rows, days), strict=True):
        given_answers = {name: value for name, value in row.items() if value is not None}
        alone = validate(restricted, given_answers, today=day)
        assert _typed(found.answers) == _typed(alone.answers)
        assert found.problems == alone.problems
        assert found.dropped == len(alone.off_route)
        assert found.ending == alone.ending


def _typed(answers: dict[str, Any]) -> dict[str, str]:
    """Texts that tell 1 from 1.0 and from true."""
    return {name: repr(answer) for name, answer in answers.items()}


def test_rows_are_grouped_alike_however_many_combinations_there_could_be() -> None:
    draw = np.random.default_rng(1)
    columns = [CodedColumn(range(2000), draw.integers(0, 3, 500)) for _ in range(7)]
    rows = np.arange(0, 500, 2)
    firsts, groups = group_rows(columns, rows)
    cells = np.stack([column.codes for column in columns], axis=1)
    assert (cells[firsts][groups] == cells[rows]).all()
    assert len(firsts) == len({tuple(each) for each in cells[rows].tolist()})
    few, few_groups = group_rows(columns[:1], rows)
    assert (columns[0].codes[few][few_groups] == columns[0].codes[rows]).all()
    assert len(few) == 3
