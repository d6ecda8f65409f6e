"""View of an experience check in words: its answer first, then scores and agreement as tables."""

from dataclasses import dataclass

from survey.access.roles import NATION
from survey.context.experience_checks.reading import ExperienceCheckDetail
from survey.context.experience_checks.scores import MeanScore
from survey.context.experience_checks.venues import VENUE_TYPE_NAMES
from survey.disclosure import MINIMUM_N
from survey.estimate.agreement import AgreementEstimate
from survey.locale import Message, Translator, label_text, msg, translator
from survey.locale.figures import format_percent, format_score
from survey.publish.experience_check_tables import ALL_TYPES, CheckFigures, CheckScores
from survey.publish.views.display_names import DisplayNames
from survey.publish.views.estimate_text import format_interval

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
    """What the page shows of a check to everybody who reads results."""

    title: str
    sentences: tuple[str, ...]
    scores: Table
    agreement_sentences: tuple[str, ...]
    agreement: Table
    notes: tuple[str, ...]


def name_area(area: str, language: str) -> str:
    """Return the name of a city, or the words for all venues of the check."""
    if area == NATION:
        t = translator(language)
        return t("All venues of the check")
    return DisplayNames(language, None).area(area)


def name_type(kind: str, language: str) -> str:
    """Return the name of a type of venue."""
    t = translator(language)
    if kind == ALL_TYPES:
        return t("All types")
    return t(VENUE_TYPE_NAMES[kind]) if kind in VENUE_TYPE_NAMES else kind


def build_experience_check_view(
    check: ExperienceCheckDetail, figures: CheckFigures, language: str
) -> ExperienceCheckView:
    """Build the view of one check."""
    t = translator(language)
    return ExperienceCheckView(
        title=label_text(check.summary.title, language, check.summary.key),
        sentences=tuple(_describe_scores(figures, language)),
        scores=_build_score_table(figures, language),
        agreement_sentences=tuple(_describe_agreement(figures, t)),
        agreement=_build_agreement_table(check, figures, language),
        notes=tuple(_list_notes(check, t)),
    )


def _describe_scores(figures: CheckFigures, language: str) -> list[str]:
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
    revisit = describe_revisit(figures, t)
    return [*lines, revisit] if revisit else lines


def describe_mean(mean: MeanScore, t: Translator) -> str:
    """Return a mean score with its interval and its venues in words."""
    return t(
        "{score} of 100 points, {interval}, over {n} venues.",
        score=format_score(mean.mean),
        interval=format_interval(mean.low, mean.high, t),
        n=mean.n,
    )


def describe_revisit(shown: CheckScores, t: Translator) -> str:
    """Return what the revisit found in words; empty where it is not shown."""
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


def format_mean(mean: MeanScore | None, t: Translator) -> tuple[str, str, str]:
    """Return score, interval and venues of a mean as cells of a table."""
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
    if check.draw is not None:
        notes.append(
            t(
                "Drawn: {drawn} of {listed} venues listed, seed {seed}, SHA-256 of the list "
                "{hash}. Number of draws: {draws}.",
                drawn=check.draw.drawn,
                listed=check.draw.listed,
                seed=check.draw.seed,
                hash=check.draw.list_sha256[:12],
                draws=check.draws,
            )
        )
    return notes
