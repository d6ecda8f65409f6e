"""Each rule of the gate on tables small enough to check by hand."""

import numpy as np
import pandas as pd
import pytest

from survey.disclosure import (
    HIDDEN,
    AdditiveTotal,
    AnswerSides,
    Overlaps,
    count_hidden_by_rule,
    find_overlaps,
    mask_reasons,
    mask_sensitive_reason,
    protect,
)
from tests.disclosure.memberships import Memberships

GROUP = ("group",)


def table(counts: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame({"group": list(counts), "estimate": 50.0, "n": list(counts.values())})


def reasons(table: pd.DataFrame) -> dict[str, str]:
    return dict(zip(table["group"], table["reason"].astype(str), strict=True))


def of_all(*parts: str) -> AdditiveTotal:
    return AdditiveTotal(GROUP, ("all",), tuple((part,) for part in parts))


def test_a_part_alone_takes_the_smallest_sibling_with_it() -> None:
    counts = {"all": 117, "young": 4, "middle": 90, "old": 23}
    result = protect(table(counts), by=GROUP, totals=[of_all("young", "middle", "old")])
    assert reasons(result) == {"all": "", "young": "too_few", "middle": "", "old": "secondary"}
    assert result.loc[~result["shown"], ["estimate", "n"]].isna().all().all()


def protect_losses(counts: dict[str, int], lost: list[int], *parts: str) -> dict[str, str]:
    """Three people must stand on each side of the rate of those who lost money."""
    chose, n = np.array(lost, dtype=float), np.array(list(counts.values()), dtype=float)
    sides = np.stack([chose, n - chose]) / 3
    given = AnswerSides((sides < 1).any(axis=0), sides, np.array([False, False]))
    return reasons(protect(table(counts), by=GROUP, totals=[of_all(*parts)], sides=given))


def test_parts_with_few_losses_hide_each_other_where_they_have_enough_together() -> None:
    counts = {"all": 90, "a": 30, "b": 30, "c": 30}
    hidden = {"a": "unanimous", "b": "unanimous"}
    enough = protect_losses(counts, [9, 2, 1, 6], "a", "b", "c")
    assert enough == {"all": "", **hidden, "c": ""}
    whole = protect_losses(counts, [4, 1, 1, 2], "a", "b", "c")
    assert whole == {"all": "", **hidden, "c": "unanimous"}


def test_few_losses_of_all_hidden_parts_together_hide_one_more() -> None:
    counts = {"all": 100, "a": 30, "b": 30, "c": 40}
    few = protect_losses(counts, [8, 1, 1, 6], "a", "b", "c")
    assert few == {"all": "", "a": "unanimous", "b": "unanimous", "c": "secondary"}


def test_those_whom_no_part_counts_hide_as_well() -> None:
    """Five did not tell their age, and two of them lost money: together with `a` four did."""
    counts = {"all": 75, "a": 30, "b": 40}
    assert protect_losses(counts, [10, 2, 6], "a", "b") == {"all": "", "a": "unanimous", "b": ""}
    none = protect_losses(counts, [8, 2, 6], "a", "b")
    assert none == {"all": "", "a": "unanimous", "b": "secondary"}


def test_the_whole_goes_only_when_no_part_is_left() -> None:
    counts = {"all": 54, "young": 4, "old": 50}
    two = protect(table(counts), by=GROUP, totals=[of_all("young", "old")])
    assert reasons(two) == {"all": "", "young": "too_few", "old": "secondary"}
    alone = {"all": 4, "young": 4, "old": 0}
    result = protect(table(alone), by=GROUP, totals=[of_all("young", "old")])
    assert reasons(result) == {"all": "too_few", "young": "too_few", "old": "empty"}


def test_hidden_parts_have_ten_respondents_together_and_room_to_vary() -> None:
    """3 + 4 = 7 people would be told; with the 12 of the next part the sum is 19."""
    counts = {"all": 69, "a": 3, "b": 4, "c": 12, "d": 50}
    result = protect(table(counts), by=GROUP, totals=[of_all("a", "b", "c", "d")])
    assert reasons(result) == {"all": "", "a": "too_few", "b": "too_few", "c": "secondary", "d": ""}


def test_a_sum_that_leaves_one_solution_is_not_told() -> None:
    """9 + 9 = 18 is known to be two numbers of at most 9."""
    counts = {"all": 98, "a": 9, "b": 9, "c": 30, "d": 50}
    result = protect(table(counts), by=GROUP, totals=[of_all("a", "b", "c", "d")])
    assert reasons(result)["c"] == "secondary"


def test_a_sum_that_reasons_make_unique_is_not_told() -> None:
    """1 and 10 add up to 11, and only so: "too few" says at least 1, "secondary" at least 10."""
    counts = {"all": 61, "a": 1, "b": 10, "c": 50}
    result = protect(table(counts), by=GROUP, totals=[of_all("a", "b", "c")])
    assert reasons(result)["c"] == "secondary"


def test_what_the_parts_leave_is_a_cell_as_well() -> None:
    """All less those who told their income are 3 people who did not."""
    counts = {"all": 103, "low": 60, "high": 40}
    result = protect(table(counts), by=GROUP, totals=[of_all("low", "high")])
    assert reasons(result) == {"all": "", "low": "", "high": "secondary"}
    enough = protect(table({**counts, "all": 110}), by=GROUP, totals=[of_all("low", "high")])
    assert enough["shown"].all()


def test_a_sibling_without_respondents_protects_nobody() -> None:
    counts = {"all": 54, "young": 4, "middle": 0, "old": 50}
    result = protect(table(counts), by=GROUP, totals=[of_all("young", "middle", "old")])
    assert reasons(result)["old"] == "secondary"


def test_an_area_of_one_city_is_hidden_with_it() -> None:
    rows = [("nation", "CN", 59), ("province", "1", 5), ("city", "11", 5)]
    rows += [("province", "2", 54), ("city", "21", 30), ("city", "22", 24)]
    frame = pd.DataFrame(rows, columns=["area_level", "area", "n"]).assign(estimate=1.0)
    area = ("area_level", "area")
    totals = [
        AdditiveTotal(area, ("nation", "CN"), (("province", "1"), ("province", "2"))),
        AdditiveTotal(area, ("province", "1"), (("city", "11"),)),
        AdditiveTotal(area, ("province", "2"), (("city", "21"), ("city", "22"))),
    ]
    result = protect(frame, by=area, totals=totals).set_index("area")
    assert result["reason"].astype(str).to_dict() == {
        "CN": "",
        "1": "too_few",
        "11": "too_few",
        "2": "secondary",
        "22": "secondary",
        "21": "",
    }


def test_totals_that_tell_a_cell_only_together() -> None:
    """a + b, a + c and b + c are each known for two hidden parts, together they give all three.

    Every total has a hidden pair with more than ten respondents, so none is open on its own.
    """
    counts = {"ab": 31, "ac": 41, "bc": 60, "abc": 66, "a": 6, "b": 25, "c": 35}
    totals = [
        AdditiveTotal(GROUP, ("ab",), (("a",), ("b",))),
        AdditiveTotal(GROUP, ("ac",), (("a",), ("c",))),
        AdditiveTotal(GROUP, ("bc",), (("b",), ("c",))),
    ]
    result = reasons(protect(table(counts), by=GROUP, totals=totals))
    assert result["a"] == "too_few"
    shown = {name for name, reason in result.items() if not reason}
    assert {"b", "ab"} - shown
    assert {"c", "ac"} - shown
    assert not {"ab", "ac", "bc"} <= shown


def test_the_score_of_an_indicator_is_not_left_over_from_its_parent() -> None:
    frame = pd.DataFrame(
        {"indicator": ["1", "1.1", "1.2", "1.3"], "n": [60, 6, 40, 50], "estimate": 70.0}
    )
    below = (("1.1",), ("1.2",), ("1.3",))
    total = AdditiveTotal(("indicator",), ("1",), below, mixture=True)
    result = protect(frame, by=["indicator"], totals=[total])
    assert result["reason"].tolist() == ["", "too_few", "secondary", ""]


def test_one_sensitive_answer_of_all_is_hidden_and_its_reason_not_told() -> None:
    frame = table({"a": 40, "b": 40, "c": 40})
    answer = np.array([0.0, 100.0, np.nan])
    result = protect(frame, by=GROUP, answer=answer)
    assert result["reason"].tolist() == ["unanimous", "unanimous", ""]
    assert mask_sensitive_reason(result)["reason"].tolist() == ["secondary", "secondary", ""]
    assert count_hidden_by_rule(result)["unanimous"] == 2


def test_hidden_parts_that_all_gave_one_sensitive_answer_tell_it_by_their_sum() -> None:
    counts = {"all": 165, "a": 5, "b": 30, "c": 60, "d": 70}
    answer = np.array([np.nan, 0.0, 0.0, np.nan, np.nan])
    parts = of_all("a", "b", "c", "d")
    assert reasons(protect(table(counts), by=GROUP, totals=[parts], answer=answer)) == {
        "all": "",
        "a": "too_few",
        "b": "unanimous",
        "c": "secondary",
        "d": "",
    }


def test_of_two_domains_that_nearly_agree_the_smaller_is_hidden() -> None:
    pairs = Overlaps(near=np.array([[0, 1]]), same=np.zeros((0, 2), dtype=int))
    result = protect(table({"band": 60, "elderly": 55}), by=GROUP, overlaps=pairs)
    assert reasons(result) == {"band": "", "elderly": "differencing"}


def test_two_names_of_the_same_people_are_hidden_together() -> None:
    counts = {"all": 54, "young": 4, "old": 50, "retired": 50}
    pairs = Overlaps(near=np.zeros((0, 2), dtype=int), same=np.array([[2, 3]]))
    result = protect(table(counts), by=GROUP, totals=[of_all("young", "old")], overlaps=pairs)
    assert reasons(result)["old"] == reasons(result)["retired"] == "secondary"


def who(groups: list[list[int]], cities: list[int] | None = None) -> Memberships:
    """60 people; each group as the numbers of its members."""
    people = np.arange(60)
    city = np.array(cities) if cities else np.zeros(60, dtype=int)
    return Memberships(
        city=city,
        within=np.eye(city.max() + 1, dtype=bool),
        member=np.stack([np.isin(people, group) for group in groups], axis=1),
        answered=np.ones((60, 1), dtype=bool),
    )


@pytest.mark.parametrize(
    ("second", "near", "same"),
    [
        (range(1, 30), 1, 0),  # 1 person less
        (range(9, 39), 0, 0),  # 9 less and 9 more: 18
        (range(9, 30), 1, 0),  # 9 less
        (range(10, 30), 0, 0),  # 10 less
        (range(4, 34), 1, 0),  # 4 less and 4 more: 8, of the same size
        (range(30), 0, 1),
        (range(21, 30), 0, 0),  # too few itself, so hidden anyway
    ],
)
def test_how_many_people_make_the_difference(second: range, near: int, same: int) -> None:
    overlap = find_overlaps(who([list(range(30)), list(second)]).count(), nested=frozenset())
    assert (len(overlap.near), len(overlap.same)) == (near, same)


def test_only_those_who_answered_count() -> None:
    people = who([list(range(30)), list(range(12, 30))])
    assert not len(find_overlaps(people.count(), nested=frozenset()).near)
    answered = np.ones((60, 2), dtype=bool)
    answered[:8, 1] = False
    people = Memberships(people.city, people.within, people.member, answered)
    assert find_overlaps(people.count(), nested=frozenset()).near.tolist() == [[1, 3]]


def test_areas_that_overlap_but_are_not_nested() -> None:
    """Two tiers of two cities each share the large one; the small ones have 4 and 3 people."""
    cities = [0] * 53 + [1] * 4 + [2] * 3
    people = who([list(range(60))], cities)
    within = np.array([[True, True, False], [True, False, True]])
    people = Memberships(people.city, within, people.member, people.answered)
    assert find_overlaps(people.count(), nested=frozenset()).near.tolist() == [[0, 1]]
    assert not len(find_overlaps(people.count(), nested=frozenset({(1, 0)})).near)


def test_declarations_that_do_not_fit_are_errors() -> None:
    with pytest.raises(ValueError, match="more respondents"):
        protect(table({"all": 20, "a": 15, "b": 15}), by=GROUP, totals=[of_all("a", "b")])
    with pytest.raises(ValueError, match="same keys"):
        protect(pd.concat([table({"all": 20})] * 2), by=GROUP, totals=[of_all("all")])
    with pytest.raises(ValueError, match="key columns"):
        protect(table({"all": 20}), by=GROUP, totals=[AdditiveTotal(("area",), ("x",), (("y",),))])


def test_what_readers_see_tells_the_hidden_cells_apart_by_nothing() -> None:
    counts = {"all": 117, "none": 0, "young": 4, "middle": 90, "old": 23}
    status = ["ok", "empty", "not_estimable", "ok", "unreliable"]
    decided = protect(
        table(counts).assign(status=pd.Categorical(status)),
        by=GROUP,
        totals=[of_all("none", "young", "middle", "old")],
    )
    assert set(reasons(decided).values()) == {"", "empty", "too_few", "secondary"}
    seen = mask_reasons(decided)
    hidden = seen[~seen["shown"]].drop(columns="group")
    assert len(hidden) == 3
    assert len(hidden.astype(str).drop_duplicates()) == 1
    assert set(hidden["reason"]) == {HIDDEN}
    assert set(hidden["status"]) == {""}
    assert list(seen.loc[seen["shown"], "status"]) == ["ok", "ok"]
    assert set(seen.loc[seen["shown"], "reason"]) == {""}
    assert set(decided["reason"]) == {"", "empty", "too_few", "secondary"}
