"""Means of an experience check beside each other tell nothing about a few of its venues."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from survey.access.roles import NATION
from survey.experience_checks.reading import (
    MeanScore,
    ObservedVisit,
    RatingRange,
    VenueScore,
    compute_mean_score,
)
from survey.figures.views.check_figures import (
    ALL_TYPES,
    CheckScores,
    build_check_figures,
    build_check_scores,
)
from survey.figures.views.experience_check import describe_revisit
from survey.locale import translator

SUZHOU, WUXI = "320500", "320200"
Revisits = Mapping[tuple[str, str], tuple[int, int]]
"""Venues of a city and type, and how many of them were revisited."""


def scores_of(venues: Revisits, *, only_revisited: int = 0) -> CheckScores:
    """Return the shown scores of a check; every third venue has what it should have."""
    return build_check_scores(check_of(venues, only_revisited=only_revisited))


def check_of(venues: Revisits, *, only_revisited: int = 0) -> Any:
    visits = []
    for (city, kind), (count, again) in venues.items():
        for number in range(count + only_revisited):
            rounds = [1] * (number < count) + [2] * (number < again or number >= count)
            visits += [
                ObservedVisit(f"{city}{kind}{number}", city, kind, round_, True,
                              {"clean": float(number % 3 == 0 or round_ == 2)})
                for round_ in rounds
            ]  # fmt: skip
    listed = {stratum: count for stratum, (count, _) in venues.items()}
    return SimpleNamespace(
        visits=visits, ranges={"clean": RatingRange(0, 1)}, listed=listed, controls=frozenset()
    )


@pytest.mark.parametrize(
    "venues",
    [
        {(SUZHOU, "shop"): (12, 11)},
        {(SUZHOU, "shop"): (40, 31)},
        # Nine of Suzhou are left once the whole of Wuxi is taken out.
        {(SUZHOU, "shop"): (30, 9), (WUXI, "shop"): (12, 12)},
        # One of Wuxi, though ten and more were left out of the whole check.
        {(SUZHOU, "shop"): (12, 0), (WUXI, "shop"): (12, 11)},
        # Small types that are kept back, one of them revisited beside a large one.
        {(SUZHOU, "shop"): (12, 12), (SUZHOU, "mall"): (5, 5), (SUZHOU, "hotel"): (6, 0)},
    ],
)
def test_a_revisit_of_nearly_all_does_not_tell_of_the_venues_left(venues: Revisits) -> None:
    scores = scores_of(venues)
    assert scores.scores[NATION, ALL_TYPES] is not None
    assert scores.revisited is None
    assert scores.revisited_before is None


@pytest.mark.parametrize(
    ("venues", "revisited"),
    [
        ({(SUZHOU, "shop"): (12, 12)}, 12),
        ({(SUZHOU, "shop"): (12, 12), (SUZHOU, "mall"): (5, 5)}, 17),
        ({(SUZHOU, "shop"): (12, 12), (WUXI, "shop"): (12, 0)}, 12),
        ({(SUZHOU, "shop"): (24, 12)}, 12),
        ({(SUZHOU, "shop"): (12, 5), (WUXI, "shop"): (12, 6)}, 11),
    ],
)
def test_a_revisit_is_shown_where_enough_are_left_or_none(venues: Revisits, revisited: int) -> None:
    scores = scores_of(venues)
    assert scores.revisited is not None
    assert scores.revisited_before is not None
    assert scores.revisited.n == scores.revisited_before.n == revisited
    assert scores.revisited.mean > scores.revisited_before.mean


def test_both_means_are_of_the_same_venues() -> None:
    scores = scores_of({(SUZHOU, "shop"): (12, 12)}, only_revisited=4)
    assert scores.revisited is not None
    assert scores.revisited_before is not None
    assert scores.revisited.n == scores.revisited_before.n == 12


def test_venues_that_are_all_alike_do_not_make_the_others_known() -> None:
    scores = scores_of({(SUZHOU, "shop"): (12, 12)})
    # Clopper and Pearson for 12 of 12: 0.025 ** (1 / 12).
    assert scores.revisited == MeanScore(100.0, 73.5, 100.0, 12)
    # Quantiles of the beta distribution with 8.5 and 4.5, as Jeffreys has them for 8 of 12.
    assert interval_of([200 / 3] * 12) == (38.756, 87.546)


def test_few_good_venues_among_many_leave_an_interval_on_the_scale() -> None:
    # t on 59 degrees of freedom, on the log odds of 1/60, of which the error is 60/59.
    assert interval_of([100.0] + [0.0] * 59) == (0.221, 11.48)


def interval_of(scores: Sequence[float]) -> tuple[float, ...]:
    venues = [
        VenueScore(str(number), SUZHOU, "shop", score, 1) for number, score in enumerate(scores)
    ]
    mean = compute_mean_score(venues, {(SUZHOU, "shop"): 2 * len(venues)})
    assert mean is not None
    return tuple(round(end or 0.0, 3) for end in (mean.low, mean.high))


@pytest.mark.parametrize(
    ("again", "control", "shown"),
    [
        (24, 12, (12, 12)),
        (24, 4, (20, None)),
        # Of all venues nine are neither: the two together would tell of them.
        (31, 12, (19, None)),
        (35, 0, (None, None)),
    ],
)
def test_a_drawn_control_stands_beside_what_was_chosen_where_nobody_can_be_told(
    again: int, control: int, shown: tuple[int | None, int | None]
) -> None:
    check = check_of({(SUZHOU, "shop"): (40, again)})
    check.controls = frozenset(f"{SUZHOU}shop{number}" for number in range(control))
    scores = build_check_scores(check)
    assert tuple(each and each.n for each in (scores.revisited, scores.control)) == shown
    assert (scores.control is None) == (scores.control_before is None)


@pytest.mark.parametrize(("language", "word"), [("zh", "并非抽签"), ("en", "not drawn")])
def test_a_revisit_says_that_its_venues_were_chosen(language: str, word: str) -> None:
    before, after = MeanScore(40.0, 35.0, 45.0, 12), MeanScore(60.0, 55.0, 65.0, 12)
    t = translator(language)
    alone = describe_revisit(CheckScores({}, after, before), t)
    assert word in alone
    beside = describe_revisit(CheckScores({}, after, before, before, after), t)
    assert beside.startswith(alone)
    assert "60.0" in beside.removeprefix(alone)


def test_what_was_found_of_an_item_is_a_share_of_venues_by_type_and_city() -> None:
    check = check_of(
        {(SUZHOU, "shop"): (30, 0), (SUZHOU, "mall"): (12, 0), (WUXI, "shop"): (12, 0)}
    )
    check.ranges["priced"] = RatingRange(0, 1)
    for visit in check.visits:
        visit.ratings["priced"] = 1.0
    clean, priced = build_check_figures(check).findings
    whole = clean.scores[NATION, ALL_TYPES]
    assert (whole.mean, whole.n, clean.met[NATION, ALL_TYPES]) == (33.3, 54, 10 + 4 + 4)
    assert whole.low < 33.3 < whole.high
    assert clean.scores[SUZHOU, "mall"].mean == 33.3
    assert (priced.scores[NATION, ALL_TYPES].mean, priced.met[SUZHOU, ALL_TYPES]) == (100.0, 42)


def test_an_item_noted_of_few_venues_is_kept_back_with_what_would_tell_it() -> None:
    check = check_of({(SUZHOU, "shop"): (30, 0), (WUXI, "shop"): (30, 0)})
    check.ranges["lift"] = RatingRange(0, 1)
    for number, visit in enumerate(check.visits):
        if visit.city == SUZHOU or number % 10 == 0:
            visit.ratings["lift"] = 1.0
    lift = build_check_figures(check).findings[1]
    assert lift.scores[WUXI, ALL_TYPES] is None, "three venues"
    assert lift.scores[SUZHOU, ALL_TYPES] is None, "or the three could be told from the whole"
    assert lift.scores[NATION, ALL_TYPES] is not None
    assert (WUXI, ALL_TYPES) not in lift.met


def test_no_item_is_shown_where_the_score_is_kept_back() -> None:
    check = check_of({(SUZHOU, "shop"): (30, 0), (SUZHOU, "mall"): (8, 0), (WUXI, "shop"): (12, 0)})
    figures = build_check_figures(check)
    for key, mean in figures.scores.items():
        assert mean is not None or figures.findings[0].scores[key] is None
    assert figures.findings[0].scores[SUZHOU, "mall"] is None
