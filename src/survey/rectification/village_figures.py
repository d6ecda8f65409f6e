"""Figures of the studies of villages that a problem on a city's list can rest on.

A study of villages is a series of its own: what it found of a city is put on the city's list beside
that of the main wave, and the next study of the series says, by the test of change between the two,
whether it became smaller.
"""

from collections.abc import Collection, Iterator

from survey.access.roles import Action
from survey.access.work import Work
from survey.estimate.tree import COMPOSITE
from survey.figures.views.estimate_text import estimate_at, format_interval
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE, VILLAGE_CONSUMER, VILLAGE_SERIES, VILLAGE_TRADER
from survey.locale import SurveyError
from survey.locale.figures import format_count, format_score
from survey.rectification.problem_records import CitedFigure, ProblemFigure, key_of
from survey.rectification.proposals import build_proposals, describe_figure
from survey.rectification.remeasurement import compare_figures
from survey.results import WaveResults
from survey.results.wave_results import WaveInfo, list_readable_waves, open_results
from survey.store.china_time import china_date
from survey.store.tables import EvidenceKind, WaveState

_GROUPS = (EVERYONE, VILLAGE_CONSUMER, VILLAGE_TRADER)
_KIND = EvidenceKind.VILLAGES


def _list_studies(work: Work) -> list[WaveInfo]:
    """Return the released studies of villages that the principal may read, the newest first."""
    return [
        each
        for each in list_readable_waves(work.settings, work.session)[0]
        if each.series == VILLAGE_SERIES
        and each.state is WaveState.RELEASED
        and (each.is_demo or not work.principal.is_demo)
    ]


def list_later_villages(work: Work, wave: str) -> list[str]:
    """Return the keys of the released studies after `wave`, the newest first."""
    work.require(Action.READ_PROBLEMS)
    studies = _list_studies(work)
    known = next((each for each in studies if each.key == wave), None)
    if known is None:
        return []
    first = (known.year, known.key)
    later = [(each.year, each.key) for each in studies if (each.year, each.key) > first]
    return [key for _, key in sorted(later, reverse=True)]


def list_village_figures(work: Work, *, city: str, language: str) -> Iterator[CitedFigure]:
    """Yield the published scores of a city in the newest study of villages.

    Of everyone, of consumers and of traders.
    """
    work.require(Action.READ_PROBLEMS, city)
    for study in _list_studies(work)[:1]:
        results = open_results(work.settings, work.session, study.key)
        yield from _list_scores(ViewContext(results, work.principal, language), city)


def propose_village_problems(work: Work, *, city: str, language: str) -> dict[str, str]:
    """Return key -> wording of what the newest study of villages proposes to a city's list.

    By the rules of every wave: what comes first to improve, and what lies clearly below the nation.
    """
    work.require(Action.READ_PROBLEMS, city)
    for study in _list_studies(work)[:1]:
        results = open_results(work.settings, work.session, study.key)
        context = ViewContext(results, work.principal, language)
        known = {each.key for each in _list_scores(context, city)}
        proposed = {
            key_of(_KIND, _reference(study.key, each.figure)): context.t(
                "{study}: {wording}", study=study.label(language), wording=each.wording
            )
            for each in build_proposals(context, city=city)
        }
        return {key: wording for key, wording in proposed.items() if key in known}
    return {}


def find_village_figures(
    work: Work, *, city: str, language: str, keys: Collection[str], followed: Collection[str] = ()
) -> Iterator[CitedFigure]:
    """Yield the published figures of a city that `keys` name.

    Args:
        followed: Keys that may name what a later study says of a figure, with the earlier study
            last; no problem begins with one.
    """
    work.require(Action.READ_PROBLEMS, city)
    known = {each.key for each in _list_studies(work)}
    waves: dict[str, WaveResults] = {}
    for key in sorted(keys):
        kind, *parts = key.split("/")
        is_again = len(parts) == 4 and key in followed
        named = {parts[0], *parts[3:]} if parts else set()
        if kind != _KIND or not (is_again or len(parts) == 3) or not named <= known:
            continue
        for wave in named - waves.keys():
            waves[wave] = open_results(work.settings, work.session, wave)
        context = ViewContext(waves[parts[0]], work.principal, language)
        if is_again:
            yield _measure_again(context, waves[parts[3]], city, key)
        else:
            yield from (each for each in _list_scores(context, city) if each.key == key)


def _reference(wave: str, figure: ProblemFigure) -> str:
    return f"{wave}/{figure.indicator}/{figure.group}"


def _list_scores(context: ViewContext, city: str) -> Iterator[CitedFigure]:
    t = context.t
    codes = [COMPOSITE, *context.codes]
    groups = [each for each in _GROUPS if each == EVERYONE or each in context.results.method.groups]
    cells = context.cells(area_level="city", area=city, group=groups, indicator=codes)
    for row, (indicator, group) in enumerate(
        zip(cells.texts("indicator"), cells.texts("group"), strict=True)
    ):
        score = estimate_at(cells, row=row)
        if not score.available or score.estimate is None:
            continue
        figure = ProblemFigure(indicator, group)
        words = t(
            "{score} of 100 points, {interval}, n = {n}",
            score=format_score(score.estimate),
            interval=format_interval(score.low, score.high, t),
            n=format_count(score.n),
        )
        reference = _reference(context.wave.key, figure)
        yield _cite(context, describe_figure(context, figure), reference, words)


def _measure_again(context: ViewContext, before: WaveResults, city: str, key: str) -> CitedFigure:
    """Return what the study of `context` says of the figure of `key` since the study `before`."""
    reference = key.partition("/")[2]
    figure = ProblemFigure(*reference.split("/")[1:3])
    try:
        words = compare_figures(context, before, city, [figure])[figure].sentence(context.t)
    except SurveyError as error:
        words = context.t(error.message)
    # The later study may have the indicator under another code.
    name = describe_figure(ViewContext(before, context.principal, context.language), figure)
    return _cite(context, name, reference, words)


def _cite(context: ViewContext, name: str, reference: str, words: str) -> CitedFigure:
    wave = context.wave
    title = f"{wave.label(context.language)} · {name}"
    return CitedFigure(_KIND, reference, title, words, china_date(wave.frozen_at), wave.is_demo)
