"""What is new for a reader since a moment: results, releases, reports and problem lists."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from survey.access.roles import Action
from survey.access.work import Work
from survey.comparative_tests.reading import list_comparative_tests
from survey.counts.standing_deliveries import list_delivered_periods
from survey.locale import label_text, translator
from survey.rectification.problem_records import STATE_NAMES, list_problems
from survey.release.register import list_publications
from survey.results import WaveInfo
from survey.results.release import list_release_changes
from survey.store.tables import DeliveryKind


class NewsKind(StrEnum):
    """Subject of an entry in the news, such as results; it decides which page has the details."""

    RESULTS = "results"
    RELEASE = "release"
    PROBLEMS = "problems"
    COMPARATIVE_TEST = "comparative_test"
    COMPLAINTS = "complaints"


@dataclass(frozen=True)
class NewsItem:
    """Entry in the news: one event with its time, sentence and subject."""

    at: datetime
    kind: NewsKind
    text: str
    subject: str = ""
    """Key of the wave or test, or state of the problems."""
    series: str = ""
    """Series of the wave; empty for what belongs to none."""


def list_news(
    work: Work, *, waves: Sequence[WaveInfo], since: datetime, language: str
) -> list[NewsItem]:
    """Return news after `since` that the principal may read, newest first; `waves`: with results.

    Args:
        waves: Every wave with results, as the caller keeps them.
    """
    work.require(Action.READ_RESULTS)
    reading = _Reading(work, waves, since, language)
    parts = [
        _list_results(reading),
        _list_publications(reading),
        _list_comparative_tests(reading),
        _list_complaints(reading),
    ]
    if work.principal.may(Action.READ_PROBLEMS):
        parts.append(_list_problems(reading))
    return sorted((item for part in parts for item in part), key=lambda item: item.at, reverse=True)


@dataclass(frozen=True)
class _Reading:
    work: Work
    waves: Sequence[WaveInfo]
    since: datetime
    language: str


def _list_results(reading: _Reading) -> Iterator[NewsItem]:
    """Yield news of waves frozen, released or taken back after `reading.since`.

    Results that were released since are new by their release alone.
    """
    t = translator(reading.language)
    waves = {
        wave.key: wave
        for wave in reading.waves
        if wave.is_demo or not reading.work.principal.is_demo
    }
    changes = list_release_changes(reading.work, since=reading.since)
    released = {change.wave_key for change in changes if change.is_release}
    for wave in waves.values():
        if wave.frozen_at > reading.since and wave.key not in released:
            text = t("There are new results: {wave}", wave=wave.label(reading.language))
            yield NewsItem(wave.frozen_at, NewsKind.RESULTS, text, wave.key, wave.series)
    for change in changes:
        if change.wave_key in waves:
            wave = waves[change.wave_key]
            title = wave.label(reading.language)
            text = (
                t("The results were released: {wave}", wave=title)
                if change.is_release
                else t("The release of the results was taken back: {wave}", wave=title)
            )
            yield NewsItem(change.at, NewsKind.RESULTS, text, wave.key, wave.series)


def _list_publications(reading: _Reading) -> Iterator[NewsItem]:
    """Yield news of releases published or taken back after `reading.since`."""
    t = translator(reading.language)
    for release in list_publications(reading.work):
        title = label_text(release.title, reading.language, release.key)
        published = (
            t("Published: {title}", title=title)
            if not release.corrects
            else t("Published, a correction: {title}", title=title)
        )
        for at, text in (
            (release.published_at, published),
            (release.retracted_at, t("Taken back: {title}", title=title)),
        ):
            if at is not None and at > reading.since:
                yield NewsItem(at, NewsKind.RELEASE, text, release.key)


def _list_comparative_tests(reading: _Reading) -> Iterator[NewsItem]:
    t = translator(reading.language)
    for test in list_comparative_tests(reading.work):
        if test.released_at is not None and test.released_at > reading.since:
            title = label_text(test.title, reading.language, test.key)
            text = t("A comparative test was released: {title}", title=title)
            yield NewsItem(test.released_at, NewsKind.COMPARATIVE_TEST, text, test.key)


def _list_complaints(reading: _Reading) -> Iterator[NewsItem]:
    """Yield one entry for the newest delivery of complaint statistics and its months."""
    t = translator(reading.language)
    periods = list_delivered_periods(reading.work, kind=DeliveryKind.COMPLAINTS)
    fresh = [each for each in periods if each.is_current and each.delivered_at > reading.since]
    if fresh:
        newest = max(each.delivered_at for each in fresh)
        months = [each.period for each in fresh]
        text = t(
            "Complaint statistics were delivered: {first} to {last}",
            first=min(months),
            last=max(months),
        )
        yield NewsItem(newest, NewsKind.COMPLAINTS, text)


def _list_problems(reading: _Reading) -> Iterator[NewsItem]:
    """Yield for each state the number of problems in it that changed after `reading.since`."""
    t = translator(reading.language)
    problems = list_problems(reading.work)
    changed = [problem for problem in problems if problem.changed_at > reading.since]
    for state in dict.fromkeys(problem.state for problem in changed):
        times = [problem.changed_at for problem in changed if problem.state is state]
        text = t(
            "Problems changed, now {state}: {count}", state=t(STATE_NAMES[state]), count=len(times)
        )
        yield NewsItem(max(times), NewsKind.PROBLEMS, text, state.value)
