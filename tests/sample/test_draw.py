"""The draw of sampling points: repeatable, within what was asked for, every point its chance."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from survey.frame.sampling_plan import ListedPoint, ListShortage, draw_sampling_points, list_sha256

KINDS = ("compound", "mall", "village")


def _listed(city: str, stratum: str, number: int) -> list[ListedPoint]:
    return [
        ListedPoint(f"{city}-{stratum}-{place}", city, "x", KINDS[place % 3], stratum)
        for place in range(number)
    ]


LIST = [*_listed("110000", "urban", 30), *_listed("110000", "rural", 9)]
WANTED = {"110000": {"urban": 470, "rural": 68}}


def test_the_same_list_and_seed_give_the_same_points_in_whatever_order_they_came() -> None:
    shuffled = random.Random(3).sample(LIST, len(LIST))
    assert list_sha256(shuffled) == list_sha256(LIST)
    once = draw_sampling_points(LIST, WANTED, per_city=10, seed=7)
    assert draw_sampling_points(shuffled, WANTED, per_city=10, seed=7) == once
    assert draw_sampling_points(LIST, WANTED, per_city=10, seed=8).points != once.points
    assert list_sha256(LIST[1:]) != list_sha256(LIST)


def test_strata_share_the_points_and_their_interviews() -> None:
    drawn = draw_sampling_points(LIST, WANTED, per_city=10, seed=7)
    assert drawn.shortages == ()
    assert Counter(point.stratum for point in drawn.points) == {"urban": 8, "rural": 2}
    assert sum(point.target or 0 for point in drawn.points) == 538
    assert sum(point.target or 0 for point in drawn.points if point.stratum == "rural") == 68
    kinds = Counter(point.kind for point in drawn.points if point.stratum == "urban")
    assert sorted(kinds.values()) == [2, 3, 3]


def test_a_stratum_without_a_list_is_told_and_its_interviews_are_not_lost() -> None:
    drawn = draw_sampling_points(_listed("110000", "urban", 4), WANTED, per_city=10, seed=7)
    assert drawn.shortages == (
        ListShortage("110000", "urban", 8, 4),
        ListShortage("110000", "rural", 2, 0),
    )
    assert sum(point.target or 0 for point in drawn.points) == 538


def test_a_target_that_the_list_brings_stays() -> None:
    given = ListedPoint("110000-x", "110000", "x", "mall", "urban", target=100)
    drawn = draw_sampling_points(
        [given, *_listed("110000", "urban", 1)], {"110000": {"urban": 150}}, per_city=2, seed=1
    )
    assert sorted(point.target or 0 for point in drawn.points) == [50, 100]


def test_every_point_has_the_same_chance() -> None:
    points = _listed("110000", "urban", 12)
    counts = Counter(
        point.code
        for seed in range(600)
        for point in draw_sampling_points(
            points, {"110000": {"urban": 50}}, per_city=3, seed=seed
        ).points
    )
    # 600 draws of 1 in 4 within each kind: 150 expected, standard deviation 10.6.
    assert len(counts) == 12
    assert all(abs(count - 150) < 53 for count in counts.values())


@given(
    urban=st.integers(0, 20),
    rural=st.integers(0, 20),
    planned=st.tuples(st.integers(0, 900), st.integers(0, 900)),
    per_city=st.integers(1, 15),
    seed=st.integers(0, 2**62),
)
def test_no_draw_takes_more_than_it_may_or_loses_an_interview(
    urban: int, rural: int, planned: tuple[int, int], per_city: int, seed: int
) -> None:
    points = [*_listed("110000", "urban", urban), *_listed("110000", "rural", rural)]
    wanted = {"110000": {"urban": planned[0], "rural": planned[1]}}
    drawn = draw_sampling_points(points, wanted, per_city=per_city, seed=seed)
    assert {point.code for point in drawn.points} <= {point.code for point in points}
    assert len({point.code for point in drawn.points}) == len(drawn.points)
    assert len(drawn.points) <= max(per_city, 2)
    total = sum(point.target or 0 for point in drawn.points)
    assert total >= sum(planned) if drawn.points else True
    assert total <= max(sum(planned), sum(planned) + len(drawn.points))
    assert all((point.target or 0) >= 1 for point in drawn.points)
