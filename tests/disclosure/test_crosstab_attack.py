"""An attacker who asks for every crosstab there is, and subtracts them from each other."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from survey.access.principal import OPERATOR
from survey.figures.views.crosstab import CrosstabFilters, build_crosstab
from survey.figures.views.view_context import ViewContext
from survey.questionnaire.model import Choice, Item, ItemKind
from survey.results import WaveResults, open_results
from survey.results.freeze import freeze_frame
from survey.results.peer_differences import groups_of, list_crosstab_questions, list_group_variables
from survey.snapshots.response_frame import build_response_frame
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from tests.disclosure.test_attack import NATIONAL, Target, follows, target
from tests.small_waves import person, questionnaire, rating, small_wave
from tests.work_of import work_of

__all__ = ["target"]
Places = dict[tuple[str, str, str], int]
QUESTIONS = ("policy_awareness", "had_dispute", "elder_cash_refused", "education_channel")
AREAS = ("CN", "42", "420500", "110000")


def crosstab_counts(
    target: Target, question: str, variable: str, area: str
) -> dict[tuple[str, str], int]:
    """Respondents by indicator and group, as the table of the page has them."""
    view = build_crosstab(
        ViewContext(target.results, NATIONAL, "en"),
        filters=CrosstabFilters(question, variable, area),
    )
    pairs = [tuple(code.split("/", 1)) for code in view.table.codes]
    counts = view.table.columns["n"]
    return {(i, g): n for (i, g), n in zip(pairs, counts, strict=True)}


def asked(target: Target) -> list[tuple[str, str, str]]:
    known = {question.key for question in list_crosstab_questions(target.results)}
    assert known >= set(QUESTIONS)
    variables = list_group_variables(target.results)
    return [(q, v, area) for q in QUESTIONS for v in variables for area in AREAS]


@pytest.fixture(scope="module")
def places(target: Target) -> dict[tuple[str, str, str], int]:
    """The place among all cells of each area of the attack, indicator and group."""
    cells = target.cells[target.cells["area"].isin(AREAS)]
    keys = (cells[name].astype(str) for name in ("area", "indicator", "group"))
    return dict(zip(zip(*keys, strict=True), cells.index, strict=True))


def test_a_table_holds_nothing_but_cells_that_are_shown(target: Target, places: Places) -> None:
    seen = 0
    for question, variable, area in asked(target):
        counts = crosstab_counts(target, question, variable, area)
        rows = [places[area, *key] for key in counts]
        assert target.cells["shown"].to_numpy()[rows].all()
        assert (target.n[rows] == list(counts.values())).all()
        seen += len(rows)
    assert seen > 100


def test_neither_a_complement_nor_the_difference_of_two_tables_is_a_few_people(
    target: Target, places: Places
) -> None:
    """Everyone less a group, and one question by two groups: of any two rows who differ."""
    some = 0
    for question in QUESTIONS:
        for area in AREAS:
            tables: dict[str, set[str]] = {}
            for variable in list_group_variables(target.results):
                for indicator, group in crosstab_counts(target, question, variable, area):
                    tables.setdefault(indicator, {"all"}).add(group)
            for indicator, groups in tables.items():
                rows = np.array([places[area, indicator, group] for group in sorted(groups)])
                rows = rows[target.cells["shown"].to_numpy()[rows]]
                people = target.people(rows).astype(bool)
                for one, other in combinations(range(len(rows)), 2):
                    differ = int((people[one] ^ people[other]).sum())
                    assert differ == 0 or differ >= 10, (question, area, indicator)
                    some += 1
    assert some > 1_000


@pytest.mark.parametrize("question", QUESTIONS)
def test_all_tables_of_a_question_together_tell_no_hidden_group(
    target: Target, places: Places, question: str
) -> None:
    """Of every variable and area, with everyone besides: no hidden row is a combination of them."""
    known: dict[str, list[int]] = {}
    hidden: dict[str, list[int]] = {}
    shown = target.cells["shown"].to_numpy()
    (indicators,) = (
        each.indicators for each in list_crosstab_questions(target.results) if each.key == question
    )
    for variable in list_group_variables(target.results):
        for area in AREAS:
            table = crosstab_counts(target, question, variable, area)
            for indicator in indicators:
                for group in groups_of(target.results, variable):
                    where = known if (indicator, group) in table else hidden
                    where.setdefault(indicator, []).append(places[area, indicator, group])
    for indicator in indicators:
        totals = [places[area, indicator, "all"] for area in AREAS]
        told = [*known.get(indicator, []), *(row for row in totals if shown[row])]
        gone = np.array([row for row in hidden.get(indicator, []) if target.n[row] > 0], dtype=int)
        if told and len(gone):
            people = target.people(np.array(told, dtype=np.int64))
            assert not follows(target.people(gone), people).any()


FEW = "310000"
MANY = ("110000", "320500", "420100")


@pytest.fixture(scope="module")
def wave_of_debts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveResults]:
    yield _freeze_debts(tmp_path_factory.mktemp("debts"))
    dispose_engines()


def _freeze_debts(folder: Path) -> WaveResults:
    """A sensitive question with three answers, one of which nobody in Shanghai gave."""
    debts = Item(
        name="debts",
        kind=ItemKind.SELECT_ONE,
        label={"zh": "欠款", "en": "Debts"},
        choices=tuple(
            Choice(name=name, label={"zh": name, "en": name}) for name in ("none", "some", "many")
        ),
        sensitive=True,
    )
    instrument = questionnaire(rating("food"), debts, name="debts", few_groups=True)
    answers = {FEW: ("none", "some")} | dict.fromkeys(MANY, ("none", "some", "many"))
    people = [
        person(
            place * 60 + number, city, psu=None, price=None, service=None, overall=None,
            residence=None, guardian=None, food=3 + number % 8,
            debts=answers[city][number % len(answers[city])],
        )
        for place, city in enumerate(answers)
        for number in range(60)
    ]  # fmt: skip
    wave = small_wave(folder, instrument=instrument, series="debts")
    with session_scope(wave.settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=wave.settings),
            wave=wave.read(session),
            frame=build_response_frame(people, instrument),
        )
    with session_scope(wave.settings.store_url) as session:
        return open_results(wave.settings, session, wave.key)


def test_shares_of_a_sensitive_question_do_not_tell_that_nobody_gave_an_answer(
    wave_of_debts: WaveResults,
) -> None:
    """40 and 60 per cent would say that the third has none."""
    keys = ["debts=none", "debts=some", "debts=many"]
    cells = wave_of_debts.cells(OPERATOR, area_level="city", group="all", indicator=keys)
    shown = {str(city): set(rows["shown"]) for city, rows in cells.groupby("area", observed=True)}
    assert shown.pop(FEW) == {False}
    # Further cities are hidden whole, so that the sum over all does not tell the first.
    assert set(map(frozenset, shown.values())) == {frozenset({False}), frozenset({True})}
