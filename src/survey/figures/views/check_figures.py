"""Figures of an experience check behind the disclosure gate: scores, findings, agreement."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from survey.access.roles import NATION
from survey.collection.submission_envelope import FIRST_ROUND, SECOND_ROUND
from survey.disclosure import MINIMUM_N, AdditiveTotal, protect
from survey.estimate.agreement import (
    AgreementEstimate,
    compute_cohen_kappa,
    compute_krippendorff_alpha,
    round_agreement,
    tabulate_pairs,
)
from survey.experience_checks.reading import (
    FULL_SCORE,
    ExperienceCheckDetail,
    MeanScore,
    ObservedVisit,
    VenueScore,
    compute_mean_score,
    score_venues,
)

ALL_TYPES = "all"
ScoreCells = Mapping[tuple[str, str], MeanScore | None]
"""Rounded means by area and type of venue; None where they are kept back."""


@dataclass(frozen=True)
class ItemAgreement:
    """Agreement of two observers on one item; coefficients are None where few venues were seen."""

    item: str
    venues: int
    agreed_percent: float
    kappa: AgreementEstimate | None
    alpha: AgreementEstimate | None


@dataclass(frozen=True)
class ItemFinding:
    """What was found of one item, by area and type of venue, behind the gate."""

    item: str
    scores: ScoreCells
    """Mean over venues of what their observers noted, 0 to 100; of a yes-or-no item the share."""
    met: Mapping[tuple[str, str], int]
    """Venues where every observer noted the best answer."""


@dataclass(frozen=True)
class CheckScores:
    """Mean scores of venues by area and type in an experience check, behind the gate, rounded."""

    scores: ScoreCells
    revisited: MeanScore | None
    """Mean of the second round, of the venues with both; None where too few others are left."""
    revisited_before: MeanScore | None
    """Mean of the first round, of the same venues."""
    control: MeanScore | None = None
    """Mean of the second round, of the venues that were drawn by lot to be revisited as well."""
    control_before: MeanScore | None = None
    """Mean of the first round, of the same venues."""

    @property
    def areas(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(area for area, _ in self.scores))

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(kind for _, kind in self.scores))


@dataclass(frozen=True)
class CheckFigures(CheckScores):
    """Scores and observer agreement of an experience check, behind the disclosure gate."""

    items: tuple[ItemAgreement, ...] = ()
    overall: AgreementEstimate | None = None
    """Alpha over all items that are ticked yes or no."""
    findings: tuple[ItemFinding, ...] = ()


def build_check_scores(check: ExperienceCheckDetail) -> CheckScores:
    """Compute mean scores of an experience check of venues, hiding those the gate keeps back."""
    first = score_venues(check.visits, check.ranges, round_=FIRST_ROUND)
    second = score_venues(check.visits, check.ranges, round_=SECOND_ROUND)
    both = {each.venue for each in first} & {each.venue for each in second}
    control, chosen = both & check.controls, both - check.controls
    # Each of them, and both together, may be taken out of what is shown beside them.
    if not all(_may_show_revisit(first, each) for each in (chosen, control, both)):
        control = set()
    if not _may_show_revisit(first, chosen):
        chosen = set()

    def mean_of(scores: Sequence[VenueScore], venues: Collection[str]) -> MeanScore | None:
        return _compute_shown_mean([each for each in scores if each.venue in venues])

    return CheckScores(
        scores=_protect_scores(first, check.listed),
        revisited=mean_of(second, chosen),
        revisited_before=mean_of(first, chosen),
        control=mean_of(second, control),
        control_before=mean_of(first, control),
    )


def _may_show_revisit(first: Sequence[VenueScore], revisited: Collection[str]) -> bool:
    """Return whether the mean of the venues `revisited` reveals no few others among all, `first`.

    It stands beside means of cities and types. Whatever union of these a reader subtracts, what is
    left are, of each city and type, at least its revisited venues or its others. So these are
    enough if the smaller of the two, summed up, are. Where every city and type was revisited whole
    or not at all nothing needs to be left, and a small one among them could be.
    """
    strata = Counter((each.city, each.venue_type) for each in first)
    again = Counter((each.city, each.venue_type) for each in first if each.venue in revisited)
    left = sum(min(again[stratum], size - again[stratum]) for stratum, size in strata.items())
    if left:
        return left >= MINIMUM_N
    return again == strata or min(strata.values(), default=0) >= MINIMUM_N


def build_check_figures(check: ExperienceCheckDetail) -> CheckFigures:
    """Compute scores and observer agreement of an experience check, behind the disclosure gate."""
    shown, findings = build_findings(check)
    pairs = _group_ratings_by_venue(check.visits)
    binary = [name for name, limits in check.ranges.items() if limits.high - limits.low == 1]
    return CheckFigures(
        **vars(shown),
        items=tuple(_agreement_of_item(check, item, pairs) for item in check.ranges),
        overall=_compute_alpha(pairs, binary, "nominal"),
        findings=findings,
    )


def build_findings(check: ExperienceCheckDetail) -> tuple[CheckScores, tuple[ItemFinding, ...]]:
    """Compute mean scores of a check, and what was found of each item, behind the gate."""
    shown = build_check_scores(check)
    return shown, tuple(_find_out(check, item, shown.scores) for item in check.ranges)


def _find_out(check: ExperienceCheckDetail, item: str, scores_shown: ScoreCells) -> ItemFinding:
    """Return what was found of an item; each item passes the gate by the venues it was noted of.

    Where the score is kept back no item is shown: all of them together would tell it.
    """
    visits = [
        replace(visit, ratings={item: visit.ratings[item]})
        for visit in check.visits
        if item in visit.ratings
    ]
    scores = score_venues(visits, check.ranges, round_=FIRST_ROUND)
    cells = {
        key: mean if scores_shown.get(key) is not None else None
        for key, mean in _protect_scores(scores, check.listed).items()
    }
    met = {
        (area, kind): sum(
            each.score == FULL_SCORE
            and area in (NATION, each.city)
            and kind in (ALL_TYPES, each.venue_type)
            for each in scores
        )
        for (area, kind), mean in cells.items()
        if mean is not None
    }
    return ItemFinding(item, cells, met)


def _protect_scores(
    scores: Sequence[VenueScore], listed: Mapping[tuple[str, str], int]
) -> ScoreCells:
    if not scores:
        return {}
    cities = sorted({each.city for each in scores})
    types = sorted({each.venue_type for each in scores})
    cells: dict[tuple[str, str], MeanScore] = {}
    for area in (NATION, *cities):
        for kind in (ALL_TYPES, *types):
            inside = [
                each
                for each in scores
                if area in (NATION, each.city) and kind in (ALL_TYPES, each.venue_type)
            ]
            mean = compute_mean_score(inside, listed)
            if mean is not None:
                cells[area, kind] = mean
    frame = pd.DataFrame(
        [(area, kind, float(mean.n)) for (area, kind), mean in cells.items()],
        columns=["area", "venue_type", "n"],
    )
    totals = [
        AdditiveTotal(("area",), (NATION,), tuple((city,) for city in cities)),
        AdditiveTotal(("venue_type",), (ALL_TYPES,), tuple((kind,) for kind in types)),
    ]
    gated = protect(frame, by=["area", "venue_type"], totals=totals)
    return {
        key: _round_mean(mean) if shown else None
        for (key, mean), shown in zip(cells.items(), gated["shown"].tolist(), strict=True)
    }


def _compute_shown_mean(scores: Sequence[VenueScore]) -> MeanScore | None:
    """Return the unweighted mean of venues, rounded; None for fewer than the gate lets through."""
    if len(scores) < MINIMUM_N:
        return None
    mean = compute_mean_score(scores, {})
    return None if mean is None else _round_mean(mean)


def _round_mean(mean: MeanScore) -> MeanScore:
    def one_decimal(value: float | None) -> float | None:
        return None if value is None else round(value, 1)

    return MeanScore(round(mean.mean, 1), one_decimal(mean.low), one_decimal(mean.high), mean.n)


Pairs = Mapping[str, Mapping[str, Sequence[float]]]
"""Item -> venue -> the values that its observers gave in the first round."""


def _group_ratings_by_venue(visits: Sequence[ObservedVisit]) -> Pairs:
    ratings: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for visit in visits:
        if visit.round == FIRST_ROUND and visit.is_anonymous:
            for item, value in visit.ratings.items():
                ratings[item][visit.venue].append(value)
    return {item: dict(venues) for item, venues in ratings.items()}


def _agreement_of_item(check: ExperienceCheckDetail, item: str, pairs: Pairs) -> ItemAgreement:
    limits = check.ranges[item]
    twice = [(values[0], values[1]) for values in pairs.get(item, {}).values() if len(values) == 2]
    categories = [limits.low + step for step in range(int(limits.high - limits.low) + 1)]
    agreed = 100 * sum(one == other for one, other in twice) / len(twice) if twice else 0.0
    is_shown = len(twice) >= MINIMUM_N
    is_binary = limits.high - limits.low == 1
    return ItemAgreement(
        item=item,
        venues=len(twice) if is_shown else 0,
        agreed_percent=round(agreed, 1) if is_shown else 0.0,
        kappa=_round_known(compute_cohen_kappa(tabulate_pairs(twice, categories)))
        if is_shown
        else None,
        alpha=_compute_alpha(pairs, [item], "nominal" if is_binary else "interval"),
    )


def _compute_alpha(pairs: Pairs, items: Sequence[str], metric: str) -> AgreementEstimate | None:
    venues = sorted({venue for item in items for venue in pairs.get(item, {})})
    units = [
        [pairs[item][venue] for item in items if venue in pairs.get(item, {})] for venue in venues
    ]
    return _round_known(
        compute_krippendorff_alpha(
            units, metric="nominal" if metric == "nominal" else "interval", minimum=MINIMUM_N
        )
    )


def _round_known(estimate: AgreementEstimate | None) -> AgreementEstimate | None:
    return None if estimate is None else round_agreement(estimate)
