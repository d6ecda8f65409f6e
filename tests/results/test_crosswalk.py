"""Which indicators of two trees may be compared: declared, and never more than is the same."""

from pathlib import Path

import pytest

from survey.questionnaire.indicator_tree import Indicator, IndicatorTree, Provenance, read_tree
from survey.results.crosswalk import TREES, NotComparableReason, crosswalk, file_name
from tools.draft_crosswalk import derive_crosswalk, write_crosswalk


def tree(name: str, *rows: tuple[str, str | None, str, float]) -> IndicatorTree:
    return IndicatorTree(
        name=name,
        indicators=tuple(
            Indicator(
                code=code,
                parent=parent,
                level=code.count(".") + 1,
                name={"zh": title, "en": title},
                weight=weight,
                name_status=Provenance.SOURCED,
                weight_status=Provenance.ASSUMED,
            )
            for code, parent, title, weight in rows
        ),
    )


OLD = tree(
    "old",
    ("1", None, "supply", 0.5),
    ("1.1", "1", "range", 0.5),
    ("1.2", "1", "outlets", 0.5),
    ("2", None, "redress", 0.5),
    ("2.1", "2", "channels", 0.4),
    ("2.2", "2", "speed", 0.6),
)
NEW = tree(
    "new",
    ("1", None, "supply", 0.7),
    ("1.1", "1", "outlets", 0.5),
    ("1.2", "1", "range", 0.5),
    ("2", None, "redress", 0.3),
    ("2.1", "2", "policy", 0.2),
    ("2.2", "2", "channels", 0.8),
)


@pytest.fixture
def declared(tmp_path: Path) -> Path:
    write_crosswalk(derive_crosswalk(OLD, NEW), tmp_path / file_name("old", "new"))
    return tmp_path


def test_the_same_tree_needs_no_file(tmp_path: Path) -> None:
    again = tree("old", *((i.code, i.parent, i.name["zh"], i.weight) for i in OLD.indicators))
    mapping = crosswalk(OLD, again, tmp_path)
    assert mapping is not None
    assert mapping.before_of == {code: code for code in (*OLD.by_code, "composite")}
    assert not mapping.why_not


def test_other_trees_without_a_file_have_nothing_in_common(tmp_path: Path) -> None:
    assert crosswalk(OLD, NEW, tmp_path) is None


def test_names_meet_under_new_codes_and_other_recipes_are_refused(declared: Path) -> None:
    mapping = crosswalk(OLD, NEW, declared)
    assert mapping is not None
    assert mapping.before_of == {"1": "1", "1.1": "1.2", "1.2": "1.1", "2.2": "2.1"}
    assert mapping.why_not == {
        "composite": NotComparableReason.RECIPE,
        "2": NotComparableReason.RECIPE,
        "2.1": NotComparableReason.NEW,
    }


def test_one_file_serves_both_directions(declared: Path) -> None:
    mapping = crosswalk(NEW, OLD, declared)
    assert mapping is not None
    assert mapping.before_of == {"1": "1", "1.2": "1.1", "1.1": "1.2", "2.1": "2.2"}
    assert mapping.why_not == {
        "composite": NotComparableReason.RECIPE,
        "2": NotComparableReason.RECIPE,
        "2.2": NotComparableReason.NEW,
    }


def test_a_weight_that_moved_is_another_recipe() -> None:
    moved = tree(
        "moved",
        *(
            (i.code, i.parent, i.name["zh"], {"1.1": 0.6, "1.2": 0.4}.get(i.code, i.weight))
            for i in OLD.indicators
        ),
    )
    rows = {row.after: row.comparable for row in derive_crosswalk(OLD, moved)}
    assert rows == {
        "composite": False,
        "1": False,
        "1.1": True,
        "1.2": True,
        "2": True,
        "2.1": True,
        "2.2": True,
    }


def test_the_shipped_file_says_what_the_names_say_and_that_nobody_has_confirmed_it() -> None:
    before, after = (read_tree(TREES / f"{name}.csv") for name in ("cca-2021", "cca-2023"))
    rows = derive_crosswalk(before, after)
    assert {row.status for row in rows} == {Provenance.ASSUMED}
    expected = {row.after: row.before for row in rows if row.comparable}
    mapping = crosswalk(before, after)
    assert mapping is not None
    assert mapping.before_of == expected
    assert expected["3.2"] == "3.1"
    assert {"composite", "3", "3.1", "3.1.1", "3.1.2"} == set(mapping.why_not)
    assert len(expected) == len(before.indicators) - 1
