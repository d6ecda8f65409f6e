"""View of an experience check in words, and its tables of scores and agreement."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor

import pandas as pd

from survey.access.roles import NATION
from survey.collection.submission_envelope import FIRST_ROUND, SECOND_ROUND
from survey.disclosure import MINIMUM_N, AdditiveTotal, protect
from survey.estimate.agreement import (
    AgreementEstimate,
    compute_cohen_kappa,
    compute_krippendorff_alpha,
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
from survey.experience_checks.venues import VENUE_TYPE_NAMES
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import format_interval
from survey.locale import Message, Translator, label_text, msg, translator
from survey.locale.figures import format_percent, format_score

ALL_TYPES = "all"
_MAX_NAMED = 3
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

    @property
    def areas(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(area for area, _ in self.scores))

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(kind for _, kind in self.scores))


@dataclass(frozen=True)
class CheckFigures(CheckScores):
    """Scores and observer agreement of an experience check, behind the disclosure gate."""

    items: tuple[ItemAgreement, ...]
    overall: AgreementEstimate | None
    """Alpha over all items that are ticked yes or no."""
    findings: tuple[ItemFinding, ...]


def build_check_scores(check: ExperienceCheckDetail) -> CheckScores:
    """Compute mean scores of an experience check of venues, hiding those the gate keeps back."""
    first = score_venues(check.visits, check.ranges, round_=FIRST_ROUND)
    second = score_venues(check.visits, check.ranges, round_=SECOND_ROUND)
    both = {each.venue for each in first} & {each.venue for each in second}
    if not _may_show_revisit(first, both):
        both = set()
    return CheckScores(
        scores=_protect_scores(first, check.listed),
        revisited=_compute_shown_mean([each for each in second if each.venue in both]),
        revisited_before=_compute_shown_mean([each for each in first if each.venue in both]),
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
    shown = build_check_scores(check)
    pairs = _group_ratings_by_venue(check.visits)
    binary = [name for name, limits in check.ranges.items() if limits.high - limits.low == 1]
    return CheckFigures(
        **vars(shown),
        items=tuple(_agreement_of_item(check, item, pairs) for item in check.ranges),
        overall=_compute_alpha(pairs, binary, "nominal"),
        findings=tuple(_find_out(check, item, shown.scores) for item in check.ranges),
    )


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
        kappa=_round_agreement(compute_cohen_kappa(tabulate_pairs(twice, categories)))
        if is_shown
        else None,
        alpha=_compute_alpha(pairs, [item], "nominal" if is_binary else "interval"),
    )


def _compute_alpha(pairs: Pairs, items: Sequence[str], metric: str) -> AgreementEstimate | None:
    venues = sorted({venue for item in items for venue in pairs.get(item, {})})
    units = [
        [pairs[item][venue] for item in items if venue in pairs.get(item, {})] for venue in venues
    ]
    return _round_agreement(
        compute_krippendorff_alpha(
            units, metric="nominal" if metric == "nominal" else "interval", minimum=MINIMUM_N
        )
    )


def _round_agreement(estimate: AgreementEstimate | None) -> AgreementEstimate | None:
    if estimate is None:
        return None
    # Downwards, since an interval that ends in 1.00 on both sides would say that nothing is open.
    low = floor(estimate.low * 100) / 100
    return AgreementEstimate(round(estimate.value, 2), low, round(estimate.high, 2), estimate.units)


_AGREEMENT_WORDS: tuple[tuple[float, Message], ...] = (
    (0.8, msg("reliable")),
    (0.667, msg("good enough for tentative conclusions")),
    (-1.0, msg("too low to rely on")),
)
"""Krippendorff's customary limits."""
Table = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]
HIDDEN_TEXT = msg("kept back")


@dataclass(frozen=True)
class ExperienceCheckView:
    """Texts and tables of an experience check of venues, as all readers of results see them."""

    title: str
    sentences: tuple[str, ...]
    scores: Table
    findings: Mapping[str, Table]
    """What was found, item by item, the worst first, by area."""
    agreement_sentences: tuple[str, ...]
    agreement: Table
    notes: tuple[str, ...]
    draw: str
    """How the venues were drawn; empty while none are."""


def name_area(area: str, language: str) -> str:
    """Return the name of a city, or the words for all venues of the check."""
    if area == NATION:
        t = translator(language)
        return t("All venues of the check")
    return DisplayNames(language, None).area(area)


def name_type(kind: str, language: str) -> str:
    """Return the name of a type of venue, or the words for all types."""
    t = translator(language)
    if kind == ALL_TYPES:
        return t("All types")
    return t(VENUE_TYPE_NAMES[kind]) if kind in VENUE_TYPE_NAMES else kind


def build_experience_check_view(
    check: ExperienceCheckDetail, figures: CheckFigures, language: str
) -> ExperienceCheckView:
    """Build the sentences, tables and notes of one experience check of venues."""
    t = translator(language)
    return ExperienceCheckView(
        title=label_text(check.summary.title, language, check.summary.key),
        sentences=tuple(_describe_scores(check, figures, language)),
        scores=_build_score_table(figures, language),
        findings={
            area: _build_finding_table(check, figures, area, language) for area in figures.areas
        },
        agreement_sentences=tuple(_describe_agreement(figures, t)),
        agreement=_build_agreement_table(check, figures, language),
        notes=tuple(_list_notes(check, t)),
        draw=_describe_draw(check, t),
    )


def _order_findings(figures: CheckFigures, area: str) -> list[tuple[ItemFinding, MeanScore]]:
    """Return the items whose mean in an area is shown, with it, the lowest first."""
    shown = [
        (each, mean)
        for each in figures.findings
        if (mean := each.scores.get((area, ALL_TYPES))) is not None
    ]
    return sorted(shown, key=lambda pair: pair[1].mean)


def _describe_scores(
    check: ExperienceCheckDetail, figures: CheckFigures, language: str
) -> list[str]:
    t = translator(language)
    whole = figures.scores.get((NATION, ALL_TYPES))
    if whole is None:
        return [
            t(
                "No score is shown yet: at least {minimum} venues with approved visits are needed.",
                minimum=MINIMUM_N,
            )
        ]
    lines = [describe_mean(whole, t)]
    shown = [
        (mean.mean, kind)
        for (area, kind), mean in figures.scores.items()
        if area == NATION and kind != ALL_TYPES and mean is not None
    ]
    if len(shown) > 1:
        lowest, highest = min(shown), max(shown)
        lines.append(
            t(
                "Highest: {best} ({best_score}); lowest: {worst} ({worst_score}).",
                best=name_type(highest[1], language),
                best_score=format_score(highest[0]),
                worst=name_type(lowest[1], language),
                worst_score=format_score(lowest[0]),
            )
        )
    worst_first = _order_findings(figures, NATION)[:_MAX_NAMED]
    if worst_first:
        named = t("; ").join(
            f"{label_text(check.instrument.by_name[each.item].label, language, each.item)} "
            f"{format_score(mean.mean)}"
            for each, mean in worst_first
        )
        lines.append(t("Furthest from what they should be (0 to 100): {items}.", items=named))
    revisit = describe_revisit(figures, t)
    return [*lines, revisit] if revisit else lines


def describe_mean(mean: MeanScore, t: Translator) -> str:
    """Return a sentence with a mean score, its interval and the number of venues."""
    return t(
        "{score} of 100 points, {interval}, over {n} venues.",
        score=format_score(mean.mean),
        interval=format_interval(mean.low, mean.high, t),
        n=mean.n,
    )


def describe_revisit(shown: CheckScores, t: Translator) -> str:
    """Return a sentence with the scores before and at the revisit; empty where not shown."""
    if shown.revisited is None or shown.revisited_before is None:
        return ""
    return t(
        "{n} venues were revisited: {before} before, {after} ({interval}) at the revisit. They "
        "were chosen, mostly for a bad first visit, and not drawn: such venues score higher a "
        "second time even where nothing was put right.",
        n=shown.revisited.n,
        before=format_score(shown.revisited_before.mean),
        after=format_score(shown.revisited.mean),
        interval=format_interval(shown.revisited.low, shown.revisited.high, t),
    )


def _build_score_table(figures: CheckFigures, language: str) -> Table:
    t = translator(language)
    heads = (t("Area"), t("Type of venue"), t("Score"), t("95%\u00a0interval"), t("Venues"))
    rows = []
    for (area, kind), mean in figures.scores.items():
        score, interval, n = format_mean(mean, t)
        rows.append((name_area(area, language), name_type(kind, language), score, interval, n))
    return heads, tuple(rows)


def _build_finding_table(
    check: ExperienceCheckDetail, figures: CheckFigures, area: str, language: str
) -> Table:
    """Return a row per item: mean with interval, venues where all was well, mean of each type."""
    t, types = translator(language), [kind for kind in figures.types if kind != ALL_TYPES]
    heads = (
        t("Item"),
        t("As it should be, 0 to 100"),
        t("95%\u00a0interval"),
        t("Venues where all was well"),
        *(name_type(kind, language) for kind in types),
    )
    ordered = _order_findings(figures, area)
    hidden = [each for each in figures.findings if each not in [item for item, _ in ordered]]
    rows = []
    for each in (*(item for item, _ in ordered), *hidden):
        score, interval, n = format_mean(each.scores.get((area, ALL_TYPES)), t)
        met = each.met.get((area, ALL_TYPES))
        rows.append(
            (
                label_text(check.instrument.by_name[each.item].label, language, each.item),
                score,
                interval,
                "–" if met is None else t("{met} of {n}", met=met, n=n),
                *(format_mean(each.scores.get((area, kind)), t)[0] for kind in types),
            )
        )
    return heads, tuple(rows)


def format_mean(mean: MeanScore | None, t: Translator) -> tuple[str, str, str]:
    """Return score, interval and number of venues as texts for cells of a table."""
    if mean is None:
        return t(HIDDEN_TEXT), "–", "–"
    interval = format_interval(mean.low, mean.high, t) or "–"
    return format_score(mean.mean), interval, str(mean.n)


def _describe_agreement(figures: CheckFigures, t: Translator) -> list[str]:
    overall = figures.overall
    if overall is None:
        return [
            t(
                "Agreement of the observers is shown once {minimum} venues have two visits.",
                minimum=MINIMUM_N,
            )
        ]
    words = next(text for limit, text in _AGREEMENT_WORDS if overall.value >= limit)
    return [
        t(
            "Krippendorff's α over all yes-or-no items is {value} ({low} to {high}, {n} venues): "
            "{words}.",
            value=format_score(overall.value, 2),
            low=format_score(overall.low, 2),
            high=format_score(overall.high, 2),
            n=overall.units,
            words=t(words),
        )
    ]


def _build_agreement_table(
    check: ExperienceCheckDetail, figures: CheckFigures, language: str
) -> Table:
    t = translator(language)
    heads = (
        t("Item"),
        t("Venues"),
        t("Same answer"),
        t("Cohen's κ (95%\u00a0interval)"),
        t("Krippendorff's α (95%\u00a0interval)"),
    )
    rows = []
    for each in figures.items:
        label = label_text(check.instrument.by_name[each.item].label, language, each.item)
        if not each.venues:
            rows.append((label, t(HIDDEN_TEXT), "–", "–", "–"))
            continue
        rows.append(
            (
                label,
                str(each.venues),
                format_percent(each.agreed_percent, 1),
                _format_coefficient(each.kappa, t),
                _format_coefficient(each.alpha, t),
            )
        )
    return heads, tuple(rows)


def _format_coefficient(estimate: AgreementEstimate | None, t: Translator) -> str:
    if estimate is None:
        return "–"
    return t(
        "{value} ({low} to {high})",
        value=format_score(estimate.value, 2),
        low=format_score(estimate.low, 2),
        high=format_score(estimate.high, 2),
    )


def _list_notes(check: ExperienceCheckDetail, t: Translator) -> list[str]:
    notes = [
        t(
            "The score of a venue is the mean of its rated items, 0 to 100, over its observers. "
            "Venues were drawn by lot; the interval is for other draws of venues, and says nothing "
            "about what observers overlook."
        ),
        t(
            "Means of fewer than {minimum} venues are kept back, because they would tell on one.",
            minimum=MINIMUM_N,
        ),
        t("Experience checks stand beside the satisfaction score and never enter it."),
    ]
    if check.known_observers:
        notes.append(
            t(
                "{count} visits count in no figure, because the observer was known as one.",
                count=check.known_observers,
            )
        )
    return notes


def _describe_draw(check: ExperienceCheckDetail, t: Translator) -> str:
    """Return how the venues were drawn, so that anybody can draw them again; empty before that."""
    if check.draw is None:
        return ""
    return t(
        "Drawn: {drawn} of {listed} venues listed, seed {seed}, SHA-256 of the list {hash}. Number "
        "of draws: {draws}.",
        drawn=check.draw.drawn,
        listed=check.draw.listed,
        seed=check.draw.seed,
        hash=check.draw.list_sha256[:12],
        draws=check.draws,
    )
