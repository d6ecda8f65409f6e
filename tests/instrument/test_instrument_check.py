"""Structural checks: each mistake is found, and a good instrument has none."""

from pathlib import Path

import pytest

from survey.questionnaire.checks import (
    RESERVED_NAMES,
    Severity,
    check_instrument,
    only_errors,
    score_findings,
)
from survey.questionnaire.indicator_tree import read_tree
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind, Language, Section
from survey.results.analysis import STRATUM, WEIGHT
from survey.snapshots.response_frame import RESPONSE_COLUMNS
from tests.instrument.sample_instrument import YES_NO, question, sample

TREE = read_tree(Path(__file__).parents[2] / "seed/trees/cca-2023.csv")


def with_items(*items: Item) -> Instrument:
    return sample(sections=(Section(name="s", items=items),))


def found(instrument: Instrument) -> list[str]:
    findings = check_instrument(instrument)
    assert all(finding.severity is Severity.ERROR for finding in findings)
    assert only_errors(findings) == findings
    return [str(finding.message) for finding in findings]


def test_nothing_is_wrong_with_the_sample():
    assert found(sample()) == []


QUESTION = question("q", ItemKind.TEXT)
RATING = {"minimum": 1, "maximum": 10}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([QUESTION, QUESTION], "more than once"),
        ([question("a", ItemKind.TEXT, relevant="${q} = 1"), QUESTION], "asked only later"),
        ([question("a", ItemKind.TEXT, relevant="${nowhere} = 1")], "no question named"),
        ([question("a", ItemKind.TEXT, relevant="${a} = 1")], "its own question"),
        ([question("a", ItemKind.TEXT, relevant=". = 1")], "its own question"),
        ([question("a", ItemKind.TEXT, relevant="1 ==")], "does not belong"),
        ([question("a", ItemKind.TEXT, constraint="eval(.)")], "not supported"),
        ([question("a", ItemKind.CALCULATE)], "calculation is missing"),
        ([question("a", ItemKind.CALCULATE, calculation="${a} + 1")], "its own question"),
        (
            [
                question("a", ItemKind.CALCULATE, calculation="${b}"),
                question("b", ItemKind.CALCULATE, calculation="${a}"),
            ],
            "asked only later",
        ),
        ([question("a", ItemKind.RATING)], "lowest and a highest"),
        ([question("a", ItemKind.RATING, minimum=5, maximum=5)], "not below"),
        ([question("a", ItemKind.INTEGER, minimum=5, maximum=1)], "not below"),
        ([question("a", ItemKind.TEXT, indicator="1.1.1")], "Only a rating"),
        ([question("a", ItemKind.SELECT_ONE)], "no choices"),
        ([question("a", ItemKind.SELECT_ONE, choices=(*YES_NO, *YES_NO))], "more than once"),
        ([QUESTION.model_copy(update={"label": {"zh": "x"}})], "English is missing"),
        ([QUESTION.model_copy(update={"label": {}})], "is missing"),
        ([QUESTION.model_copy(update={"hint": {"en": "x"}})], "is missing"),
        (
            [question("a", ItemKind.SELECT_ONE, choices=(Choice(name="x", label={"en": "x"}),))],
            "is missing",
        ),
        ([], "no questions"),
    ],
)
def test_finds(items, expected):
    assert any(expected in message for message in found(with_items(*items)))


def test_a_constraint_may_look_at_its_own_answer():
    assert found(with_items(question("a", ItemKind.INTEGER, constraint=". > 1 and ${a} < 9"))) == []


def test_equal_section_names_and_a_foreign_default_language():
    twice = (Section(name="s", items=(QUESTION,)), Section(name="s", items=()))
    assert any("more than once" in message for message in found(sample(sections=twice)))
    assert found(sample(default_language="fr"))
    assert found(sample(languages=(Language(code="zh", name="a"), Language(code="zh", name="b"))))


def test_a_section_is_named_as_a_question_only_where_nothing_refers_to_it():
    referring = question("a", ItemKind.TEXT, relevant="${ q } = 1")
    alike, other = Section(name="q", items=(QUESTION,)), question("b", ItemKind.TEXT)
    assert found(sample(sections=(alike, Section(name="s", items=(other,))))) == []
    telling = other.model_copy(update={"label": {"zh": "您说${q}", "en": "You said ${q}"}})
    for each in (referring, telling):
        wrong = found(sample(sections=(alike, Section(name="s", items=(each,)))))
        assert wrong == ["The name “q” is used more than once."]


def test_scored_items_hang_on_the_tree():
    scored = [
        question(f"q{number}", ItemKind.RATING, indicator=indicator.code, **RATING)
        for number, indicator in enumerate(TREE.level(3))
    ]
    assert check_instrument(with_items(*scored), TREE) == ()
    second_level = scored[0].model_copy(update={"indicator": "1.1"})
    findings = check_instrument(with_items(second_level, *scored[1:]), TREE)
    assert {finding.item for finding in findings} == {"q0", scored[0].indicator}
    unscored = check_instrument(with_items(question("a", ItemKind.RATING, **RATING)), TREE)
    assert [
        "No question measures an indicator" in str(finding.message) for finding in unscored
    ] == [True]


def test_what_could_not_be_frozen_is_said_before_anybody_is_asked():
    """Each with the row of its question in the workbook, where that is known."""
    scored = [
        question(f"q{number}", ItemKind.RATING, indicator=indicator.code, **RATING)
        for number, indicator in enumerate(TREE.level(3))
    ]
    rows = {item.name: number + 2 for number, item in enumerate(scored)}
    five = scored[4].model_copy(update={"maximum": 5.0})
    (finding,) = score_findings(with_items(*scored[:4], five, *scored[5:]), TREE, rows)
    assert (finding.row, finding.item) == (6, "q4")
    assert "from 1 to 5" in str(finding.message)
    treeless = with_items(scored[0], question("stars", ItemKind.RATING, **RATING))
    findings = score_findings(treeless.model_copy(update={"tree": None}), None, rows)
    assert [
        (score_finding.row, "no tree" in str(score_finding.message)) for score_finding in findings
    ] == [(2, True)]
    (nothing,) = score_findings(with_items(question("a", ItemKind.TEXT)), None)
    assert "nothing to compute" in str(nothing.message)
    for kind in (ItemKind.INTEGER, ItemKind.DECIMAL):
        assert score_findings(with_items(question("a", kind)), None) == ()
    assert score_findings(with_items(question("a", ItemKind.RATING, **RATING)), None) == ()


def test_a_question_named_as_a_column_of_a_frozen_wave_is_refused():
    """The interview's own language would have replaced the answers, and its weight too."""
    assert {*RESPONSE_COLUMNS, WEIGHT, STRATUM} <= RESERVED_NAMES
    items = (question("a", ItemKind.RATING, **RATING), question("weight", ItemKind.INTEGER))
    (finding,) = score_findings(with_items(*items), None, {"weight": 7})
    assert (finding.row, finding.column, finding.item) == (7, "name", "weight")


def test_a_copy_has_its_own_checksum():
    """A cached SHA-256 must not travel with `model_copy`."""
    first = sample()
    second_sha = first.model_copy(update={"version": "2"}).sha256
    assert first.sha256 != second_sha
    assert first.model_copy(update={"version": "2"}).sha256 == second_sha
    assert sample().sha256 == first.sha256
    changed = first.model_copy(update={"sections": (Section(name="s", items=(QUESTION,)),)})
    assert set(first.by_name) != set(changed.by_name) == {"q"}
    assert TREE.model_copy(update={"name": "other"}).sha256 != TREE.sha256
