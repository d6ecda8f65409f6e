"""View of an experience check in words, and its tables of scores and agreement."""

from collections.abc import Mapping
from dataclasses import dataclass

from survey.access.roles import NATION
from survey.disclosure import MINIMUM_N
from survey.estimate.agreement import AgreementEstimate
from survey.experience_checks.reading import ExperienceCheckDetail, MeanScore
from survey.experience_checks.venues import VENUE_TYPE_NAMES
from survey.figures.views.check_figures import ALL_TYPES, CheckFigures, CheckScores, ItemFinding
from survey.figures.views.display_names import DisplayNames
from survey.figures.views.estimate_text import format_interval
from survey.locale import Message, Translator, label_text, msg, translator
from survey.locale.figures import format_count, format_percent, format_score

_MAX_NAMED = 3
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


def describe_hearing(check: ExperienceCheckDetail, t: Translator) -> str:
    """Return how many venues were told what was noted, and what became of it."""
    heard = check.hearing
    if not heard.told:
        return t("Venues are sent what was noted once a visit is approved.")
    return t(
        "{told} venues were told what was noted. {replied} replied; of {lapsed} the deadline "
        "passed without a reply; {waiting} can still reply.",
        told=format_count(heard.told),
        replied=format_count(heard.replied),
        lapsed=format_count(heard.lapsed),
        waiting=format_count(heard.told - heard.replied - heard.lapsed),
    )


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
    """Return sentences with the scores before and at the revisit; empty where not shown."""
    if shown.revisited is None or shown.revisited_before is None:
        return ""
    chosen = t(
        "{n} venues were revisited: {before} before, {after} ({interval}) at the revisit. They "
        "were chosen, mostly for a bad first visit, and not drawn: such venues score higher a "
        "second time even where nothing was put right.",
        n=shown.revisited.n,
        before=format_score(shown.revisited_before.mean),
        after=format_score(shown.revisited.mean),
        interval=format_interval(shown.revisited.low, shown.revisited.high, t),
    )
    if shown.control is None or shown.control_before is None:
        return chosen
    drawn = t(
        "Of the other venues {n} were drawn by lot and revisited as well: {before} before, {after} "
        "({interval}) at the revisit. Chance lifts what was chosen for being bad and lowers the "
        "others, so the difference of the two is no effect of the check.",
        n=shown.control.n,
        before=format_score(shown.control_before.mean),
        after=format_score(shown.control.mean),
        interval=format_interval(shown.control.low, shown.control.high, t),
    )
    return f"{chosen} {drawn}"


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
