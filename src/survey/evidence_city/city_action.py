"""From evidence to action: which items failed where, which products, and what education there was.

Experience checks and comparative tests that were released, and the registers of a city. Every
figure is one that their own pages show; here are the worst of the newest, so that all of it fits on
one screen, and the same for the city's page and its report.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.comparative_tests.grading import Verdict
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    get_comparative_test,
    list_comparative_tests,
)
from survey.counts.complaint_lists import Table
from survey.education.registers import ACTIVITIES, BASES, list_entries
from survey.experience_checks.reading import MeanScore, get_experience_check, list_experience_checks
from survey.figures.views.check_figures import ALL_TYPES, CheckScores, build_findings
from survey.figures.views.comparative_test import ComparativeTestTexts
from survey.figures.views.education import (
    REACHED,
    RECOGNISED,
    Activity,
    count_participants,
    describe_activities,
    describe_exposure,
    format_cost,
    format_share_row,
)
from survey.figures.views.experience_check import describe_mean, format_mean, name_area, name_type
from survey.figures.views.view_context import ViewContext
from survey.locale import Labels, label_text, translator
from survey.locale.figures import MISSING, format_count
from survey.store.china_time import china_date, format_day
from survey.store.tables import ComparativeTestState

_MOST_SHOWN = 3
"""Checks and tests, the newest, and items of a check, the worst; the rest is on their own pages."""
_MOST_PRODUCTS = 10
"""Products of a test by name: all that fail are named, or, where they are more, none."""


@dataclass(frozen=True)
class OutsidePart:
    """One source of evidence other than the score: title, sentences, tables and notes."""

    title: str
    sentences: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]
    """Title and contents of each table."""
    notes: tuple[str, ...]
    is_demo: bool


@dataclass(frozen=True)
class ItemOfCheck:
    """Item of a check: its mean over venues, 0 to 100, and venues where all was well."""

    label: Labels
    mean: MeanScore
    met: int


@dataclass(frozen=True, eq=False)
class CheckOfCity:
    """Released experience check with venues in the city: its scores and worst items, as shown."""

    title: Labels
    key: str
    scores: CheckScores
    data_as_of: date
    is_demo: bool
    area: str = NATION
    """The city, or the nation where the city's mean is kept back: whose items these are."""
    worst: tuple[ItemOfCheck, ...] = ()


@dataclass(frozen=True, eq=False)
class CityAction:
    """Checks, tests and education of a city in a year; empty where there are none."""

    checks: tuple[CheckOfCity, ...] = ()
    tests: tuple[ComparativeTestDetail, ...] = ()
    """Released tests of the nation and of the city's province."""
    activities: tuple[Activity, ...] = ()
    """Activities of consumer education in the city in the year of the wave."""
    bases: int = 0
    has_demo_base: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.checks or self.tests or self.activities or self.bases)


def read_city_action(work: Work, *, city: str, year: int) -> CityAction:
    """Read checks, tests and education of a city; education is that of `year`."""
    work.require(Action.READ_RESULTS)
    activities = list_entries(work, register=ACTIVITIES, area=city, year=year)
    bases = list_entries(work, register=BASES, area=city)
    return CityAction(
        tuple(_read_checks(work, city)),
        tuple(_read_tests(work, city)),
        tuple(activities),
        len(bases),
        any(each.is_demo for each in bases),
    )


def _read_checks(work: Work, city: str) -> list[CheckOfCity]:
    found: list[CheckOfCity] = []
    for summary in list_experience_checks(work):
        day = summary.data_as_of
        if summary.released_at is None or day is None:
            continue
        check = get_experience_check(work, wave_id=summary.id)
        if all(visit.city != city for visit in check.visits):
            continue
        scores, findings = build_findings(check)
        area = NATION if scores.scores.get((city, ALL_TYPES)) is None else city
        key = area, ALL_TYPES
        items = [
            ItemOfCheck(check.instrument.by_name[each.item].label, mean, each.met[key])
            for each in findings
            if (mean := each.scores.get(key)) is not None
        ]
        worst = sorted(items, key=lambda each: each.mean.mean)[:_MOST_SHOWN]
        found.append(
            CheckOfCity(
                summary.title, summary.key, scores, day, summary.is_demo, area, tuple(worst)
            )
        )
        if len(found) == _MOST_SHOWN:
            break
    return found


def _read_tests(work: Work, city: str) -> Iterator[ComparativeTestDetail]:
    released = [
        (each.released_at, each.id)
        for each in list_comparative_tests(work)
        if each.state is ComparativeTestState.RELEASED
        and each.released_at is not None
        and each.area in (NATION, city[:2])
    ]
    for _, test_id in sorted(released, reverse=True)[:_MOST_SHOWN]:
        yield get_comparative_test(work, test_id=test_id)


def build_action_parts(
    action: CityAction, city: str, context: ViewContext
) -> tuple[OutsidePart, ...]:
    """Build the parts on experience checks, comparative tests and education that a city has."""
    parts = []
    if action.checks:
        parts.append(_build_checks(action.checks, city, context.language))
    if action.tests:
        parts.append(_build_tests(action.tests, context.language))
    if action.activities or action.bases:
        parts.append(_build_education(action, city, context))
    return tuple(parts)


def _build_checks(checks: tuple[CheckOfCity, ...], city: str, language: str) -> OutsidePart:
    t = translator(language)
    sentences, rows, items = [], [], []
    for check in checks:
        title = label_text(check.title, language, check.key)
        mean = check.scores.scores.get((city, ALL_TYPES))
        hidden = t("the mean of this city is kept back.")
        words = hidden if mean is None else describe_mean(mean, t)
        sentences.append(t("{check}: {words}", check=title, words=words))
        rows += _check_rows(check, city, title, language)
        if check.worst:
            sentences.append(_describe_worst(check, language))
            items += _list_worst_rows(check, title, language)
    heads = (
        t("Experience check"), t("Area"), t("Type of venue"), t("Score"),
        t("95%\u00a0interval"), t("Venues"), t("Data as of"),
    )  # fmt: skip
    item_heads = (
        t("Experience check"), t("Area"), t("Item"), t("As it should be, 0 to 100"),
        t("95%\u00a0interval"), t("Venues where all was well"),
    )  # fmt: skip
    title = t("Experience checks in this city")
    tables: list[tuple[str, Table]] = [(title, (heads, tuple(rows)))]
    if items:
        tables.append((t("Items furthest from what they should be"), (item_heads, tuple(items))))
    note = t(
        "Venues drawn by lot and visited without notice; scores of 0 to 100. Means of few venues "
        "are kept back. Experience checks stand beside the satisfaction score and never enter it."
    )
    is_demo = any(check.is_demo for check in checks)
    return OutsidePart(title, tuple(sentences), tuple(tables), (note,), is_demo)


def _check_rows(check: CheckOfCity, city: str, title: str, language: str) -> list[tuple[str, ...]]:
    """Return table rows, headed `title`, of a check's mean scores: by type in the city, of all."""
    t = translator(language)
    day = format_day(t, check.data_as_of)
    return [
        (title, name_area(area, language), name_type(kind, language), *format_mean(mean, t), day)
        for (area, kind), mean in check.scores.scores.items()
        if (area == city and (mean is not None or kind == ALL_TYPES))
        or (area, kind) == (NATION, ALL_TYPES)
    ]


def _describe_worst(check: CheckOfCity, language: str) -> str:
    """Return a sentence on the items that failed most, and in how many venues all was well."""
    t = translator(language)
    named = t("; ").join(
        t(
            "{item} (all was well in {met} of {n} venues)",
            item=label_text(each.label, language),
            met=each.met,
            n=each.mean.n,
        )
        for each in check.worst
    )
    if check.area == NATION:
        return t(
            "Too few venues here to tell items apart; over all venues of the check furthest from "
            "what they should be: {items}.",
            items=named,
        )
    return t("Furthest from what they should be here: {items}.", items=named)


def _list_worst_rows(check: CheckOfCity, title: str, language: str) -> list[tuple[str, ...]]:
    t = translator(language)
    rows: list[tuple[str, ...]] = []
    for each in check.worst:
        score, interval, n = format_mean(each.mean, t)
        label = label_text(each.label, language)
        met = t("{met} of {n}", met=each.met, n=n)
        rows.append((title, name_area(check.area, language), label, score, interval, met))
    return rows


def _build_tests(tests: tuple[ComparativeTestDetail, ...], language: str) -> OutsidePart:
    t = translator(language)
    sentences, rows = [], []
    for test in tests:
        texts = ComparativeTestTexts(test, t, language)
        title, failing = texts.label(test.summary.title), texts.list_failing()
        count = sum(each.standing is not None for each in test.samples)
        given = {"test": title, "count": str(count)}
        if not failing:
            words = t("{test}: none of {count} samples clearly fails a limit.", **given)
        elif len(failing) > _MOST_PRODUCTS:
            words = t(
                "{test}: {failing} of {count} samples do not conform to a limit. All of them are "
                "on the page of comparative tests.",
                failing=len(failing),
                **given,
            )
        else:
            words = t(
                "{test}: {failing} of {count} samples do not conform to a limit: {names}.",
                failing=len(failing),
                names=t("; ").join(failing.values()),
                **given,
            )
        sentences.append(words)
        at = test.summary.released_at
        released = "" if at is None else format_day(t, china_date(at))
        own = _list_failed_rows(test, texts) if len(failing) <= _MOST_PRODUCTS else []
        share = t("{failing} of {count}", failing=len(failing), count=count)
        rows.append((title, t("Samples that do not conform"), share, MISSING, MISSING, released))
        rows += [(title, *row, released) for row in own]
    heads = (
        t("Comparative test"), t("Brand and model"), t("Does not conform"), t("Measured value"),
        t("Limit"), t("Released on"),
    )  # fmt: skip
    title = t("Comparative tests of the nation and the province")
    note = t(
        "Named is what clearly fails a limit of a published norm by the sealed rules of the test, "
        "after the makers were heard and two people signed. It holds for the samples that were "
        "bought, wherever that was. Replies of the makers are on the page of comparative tests."
    )
    is_demo = any(test.summary.is_demo for test in tests)
    return OutsidePart(title, tuple(sentences), ((title, (heads, tuple(rows))),), (note,), is_demo)


def _list_failed_rows(
    test: ComparativeTestDetail, texts: ComparativeTestTexts
) -> list[tuple[str, str, str, str]]:
    """Return product, characteristic, measured value and limit of all that clearly fails."""
    by_key = test.rules.by_key
    return [
        (
            f"{sample.data.brand} {sample.data.model}",
            texts.characteristic_head(by_key[step.characteristic]),
            texts.format_value(step.measurement),
            texts.format_limit(by_key[step.characteristic]),
        )
        for sample in test.samples
        if sample.standing is not None
        for step in sample.standing.characteristics
        if step.verdict is Verdict.FAILS
    ]


def _build_education(action: CityAction, city: str, context: ViewContext) -> OutsidePart:
    t, year = context.t, context.wave.year
    title = t("Consumer education in this city, {year}", year=year)
    rows = [
        (t("Reached by consumer education"), *format_share_row(context, city, REACHED)),
        (t("Found it useful, of those reached"), *format_share_row(context, city, RECOGNISED)),
        (t("Activities"), format_count(len(action.activities)), MISSING, MISSING),
        (t("Participants"), format_count(count_participants(action.activities)), MISSING, MISSING),
        (t("Cost (yuan)"), format_cost(action.activities), MISSING, MISSING),
        (t("Education bases"), format_count(action.bases), MISSING, MISSING),
    ]
    heads = (t("What is counted"), t("Published figure"), t("95%\u00a0interval"), "n")
    note = t(
        "Reach is what residents said, by whatever activity they were reached; it proves no effect "
        "of these activities."
    )
    is_demo = action.has_demo_base or any(each.is_demo for each in action.activities)
    sentences = (
        describe_exposure(context, city),
        describe_activities(action.activities, year, t),
        t("Education bases in the city: {count}.", count=format_count(action.bases)),
    )
    return OutsidePart(title, sentences, ((title, (heads, tuple(rows))),), (note,), is_demo)
