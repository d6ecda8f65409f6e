"""A crosstab shows what the snapshot holds, and calls different only what is so in its table."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.figures.views.crosstab import (
    CrosstabFilters,
    CrosstabView,
    build_crosstab,
    find_telling_pair,
    question_choices,
    variable_choices,
)
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.peer_differences import (
    compare_groups,
    groups_of,
    list_crosstab_questions,
    list_group_variables,
)

Frozen = dict[str, WaveResults]


def build(results: WaveResults, question: str, variable: str, area: str = "CN") -> CrosstabView:
    filters = CrosstabFilters(question, variable, area)
    return build_crosstab(ViewContext(results, OPERATOR, "en"), filters=filters)


def test_every_question_by_every_variable_is_what_the_cells_hold(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    questions = list_crosstab_questions(results)
    seen = 0
    for question in questions[::4]:
        for variable in list_group_variables(results):
            groups = groups_of(results, variable)
            view = build(results, question.key, variable)
            cells = results.cells(
                OPERATOR, area_level="nation", group=groups, indicator=question.indicators
            )
            shown = cells[cells["shown"]]
            codes = [f"{i}/{g}" for i, g in zip(shown["indicator"], shown["group"], strict=True)]
            assert sorted(view.table.codes) == sorted(codes)
            assert len(view.table.unnamed) == len(cells) - len(shown)
            figures = dict(zip(codes, shown["estimate"], strict=True))
            drawn = view.table.columns[view.table.figure]
            np.testing.assert_array_equal(drawn, [figures[code] for code in view.table.codes])
            seen += len(shown)
    assert seen > 100


def test_the_page_opens_on_the_surest_difference_of_the_nation(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    pair = find_telling_pair(ViewContext(results, OPERATOR, "en"))
    assert pair is not None
    question = next(q for q in list_crosstab_questions(results) if q.key == pair[0])
    gaps = results.gaps(OPERATOR, contrast="rest", area_level="nation")
    rated = [i for q in list_crosstab_questions(results) if not q.is_rate for i in q.indicators]
    clear = gaps[gaps["indicator"].isin(rated) & gaps["verdict"].isin(["higher", "lower"])]
    clear = clear[clear["shown"] & clear["group"].str.contains("=|^[a-z_]+$")]
    near = clear[["ci_low", "ci_high"]].abs().min(axis=1)
    own = clear["indicator"].isin(question.indicators) & (
        clear["group"].str.partition("=")[0] == pair[1]
    )
    assert near[own].max() == near.max() > 0


def test_questions_and_groups_are_chosen_by_their_words(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    questions = question_choices(ViewContext(results, OPERATOR, "en"))
    assert questions["had_dispute"] == "Had a dispute in the last 12 months"
    assert len(questions) == len(list_crosstab_questions(results))
    variables = variable_choices(ViewContext(results, OPERATOR, "en"))
    assert variables["age_band"] == "Age"
    assert variables["elderly"] == "60–70 years"
    assert "all" not in variables


def test_the_words_of_the_questionnaire_go_before_the_names_of_its_figures(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    words = {"en": "Did you have a dispute?", "zh": "遇到过纠纷吗？"}
    question: Any = SimpleNamespace(label=words, choices=[])
    asked = WaveResults(
        results.wave, results.manifest, results.tree, results._folder, {"had_dispute": question}
    )
    assert (
        question_choices(ViewContext(asked, OPERATOR, "en"))["had_dispute"]
        == "Did you have a dispute?"
    )
    assert build(asked, "had_dispute", "gender").question == "Did you have a dispute?"


def test_all_rows_of_the_table_are_judged_together(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    table = compare_groups(
        results,
        OPERATOR,
        area_level="nation",
        area="CN",
        groups=groups_of(results, "age_band"),
        indicators=["composite", "1", "2", "3"],
    )
    exact = results.exact(
        OPERATOR,
        "gaps.parquet",
        {
            "contrast": "rest",
            "area_level": "nation",
            "group": list(groups_of(results, "age_band")),
            "indicator": ["composite", "1", "2", "3"],
        },
    )
    p = np.sort(exact.loc[exact["shown"], "p"].dropna().to_numpy())
    limits = p * len(p) / np.arange(1, len(p) + 1)
    passed = np.flatnonzero(limits <= 0.05)
    expected = 0 if not len(passed) else int(passed.max()) + 1
    clear = table["verdict"].isin(["higher", "lower"]).sum()
    unsure = (exact["status"] != "ok").sum()
    assert expected - unsure <= clear <= expected
    assert {"p", "p_adjusted", "se"}.isdisjoint(table.columns)


def test_the_sentence_says_what_is_clear_and_what_is_not(frozen: Frozen) -> None:
    sentences = []
    results = frozen["main-2024"]
    for question in list_crosstab_questions(results):
        view = build(results, question.key, "age_band", "320500")
        verdicts = view.table.columns["Against the rest"]
        clear = [text for text in verdicts if text[:1] in "▲▼"]
        if clear:
            assert "are clear" in view.sentence
            assert any(text in view.sentence for text in clear)
        else:
            assert "are clear" not in view.sentence
        sentences.append(view.sentence)
    assert any("no group differs detectably" in sentence for sentence in sentences)


def test_a_table_of_which_nothing_is_shown_is_empty(frozen: Frozen) -> None:
    results = frozen["main-2024"]
    hidden = [
        (question.key, variable)
        for question in list_crosstab_questions(results)
        for variable in list_group_variables(results)
        if not build(results, question.key, variable, "320500").table.codes
    ]
    for question, variable in hidden[:3]:
        view = build(results, question, variable, "320500")
        assert view.sentence == "Nothing in this table can be compared."


def test_another_city_is_refused_before_release(frozen: Frozen) -> None:
    from tests.results.test_peer_differences import closed

    official = Principal(uuid4(), "Li", Role.CITY_OFFICIAL, "320500")
    filters = CrosstabFilters("had_dispute", "gender", "110000")
    with pytest.raises(AccessDeniedError):
        build_crosstab(ViewContext(closed(frozen["main-2024"]), official, "en"), filters=filters)
    surveyor = Principal(uuid4(), "Li", Role.SURVEYOR, "320500")
    with pytest.raises(AccessDeniedError):
        build_crosstab(ViewContext(frozen["main-2024"], surveyor, "en"), filters=filters)
