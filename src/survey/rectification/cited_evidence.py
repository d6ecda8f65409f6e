"""Figures from beside the score that problems rest on, or that their evidence cites.

Of complaints and their early warning, experience checks, comparative tests and studies of villages.

Stored is which figure, never its value: what is shown is the figure as it is published now, with
the day until which it was counted. The value at the moment of citing is in the audit trail.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.collection.submission_envelope import FIRST_ROUND, SECOND_ROUND
from survey.comparative_tests.reading import (
    GradedSample,
    get_comparative_test,
    list_comparative_tests,
    list_programme,
)
from survey.counts.alarm_view import COMPLAINT_ALARMS, format_range
from survey.counts.complaint_alarms import is_complaint_series, read_complaint_alarms
from survey.counts.complaint_lists import LENS_NAMES, describe_share, list_lens_shares
from survey.counts.complaint_tables import (
    list_complaint_years,
    read_complaint_year,
    read_year_before,
)
from survey.counts.complaint_view import describe_total
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINT_CODES, LENSES
from survey.counts.week_series import monday_of
from survey.experience_checks.reading import get_experience_check, list_experience_checks
from survey.figures.views.check_figures import ALL_TYPES, build_check_scores
from survey.figures.views.comparative_test import ComparativeTestTexts
from survey.figures.views.experience_check import (
    describe_mean,
    describe_revisit,
    name_area,
    name_type,
)
from survey.locale import Translator, label_text, translator
from survey.locale.figures import format_count
from survey.rectification.problem_records import (
    EVIDENCE_NAMES,
    CitedFigure,
    ProblemFigure,
    ProblemRecord,
    key_of,
)
from survey.rectification.village_figures import (
    find_village_figures,
    list_later_villages,
    list_village_figures,
)
from survey.store.china_time import china_date, format_day
from survey.store.tables import ComparativeTestState, EvidenceKind

_OFFERED_YEARS = 2
"""Years of complaints that a city can choose from; what was cited before stays readable."""


def describe_day(figure: CitedFigure, t: Translator) -> str:
    """Return "Data as of" with the day of a figure, marked if it is demonstration data."""
    day = t("Data as of {day}", day=format_day(t, figure.data_as_of))
    return " · ".join((day, t("Demo data"))) if figure.is_demo else day


def join_sentences(sentences: Sequence[str], language: str) -> str:
    """Return sentences joined to one text that lacks the last full stop."""
    return ("" if language == "zh" else " ").join(sentences).rstrip(".。")


def list_citable_figures(work: Work, *, city_code: str, language: str) -> dict[str, CitedFigure]:
    """Return `kind/reference` -> published figure that a problem of the city can cite."""
    work.require(Action.READ_PROBLEMS, city_code)
    years = list(list_complaint_years(work))[:_OFFERED_YEARS]
    figures = (
        *_list_complaints(work, city_code, language, dict.fromkeys(years, COMPLAINT_CODES)),
        *_list_checks(work, city_code, language),
        *_list_tests(work, language, is_failing=True),
        *_list_warnings(work, city_code, language),
        *list_village_figures(work, city=city_code, language=language),
    )
    return {each.key: each for each in figures}


@dataclass(frozen=True)
class CitedFigures:
    """Figures from beside the score that problems rest on, or that their evidence cites."""

    shown: Mapping[str, CitedFigure] = field(default_factory=dict)
    """Key -> figure that is published now."""
    later: Mapping[str, CitedFigure] = field(default_factory=dict)
    """Key that a problem rests on -> newest figure of the same series, counted or tested later."""

    def name(self, figure: ProblemFigure, t: Translator) -> str:
        """Return the title of the figure that a problem rests on, or that it is not shown now."""
        shown = self.shown.get(figure.reference) or self.later.get(figure.reference)
        if shown is not None:
            return shown.title
        kind = EvidenceKind(figure.reference.partition("/")[0])
        return t(
            "The figure that is cited ({kind}) is not shown now.", kind=t(EVIDENCE_NAMES[kind])
        )

    def describe_later(self, figure: ProblemFigure, t: Translator) -> str:
        """Return what the figure's own series says since, in words and without a verdict."""
        later = self.later.get(figure.reference)
        if later is None:
            return t("not measured again")
        return " · ".join((later.title, later.figure, describe_day(later, t)))


def find_cited_figures(
    work: Work, *, city_code: str, problems: Iterable[ProblemRecord], language: str
) -> CitedFigures:
    """Return the figures from beside the score that problems of a city name, as published now."""
    work.require(Action.READ_PROBLEMS, city_code)
    listed = list(problems)
    rests_on = {each.reference for each in listed if each.reference}
    evidence = {given.key for each in listed for given in each.evidence}
    later = {key: list(_list_later_keys(work, key)) for key in rests_on}
    wanted = rests_on.union(evidence, *later.values())
    found = _find_figures(work, city_code, language, wanted, followed=wanted)
    newest = {
        key: next((found[each] for each in keys if each in found), None)
        for key, keys in later.items()
    }
    return CitedFigures(found, {key: each for key, each in newest.items() if each is not None})


def _list_later_keys(work: Work, key: str) -> Iterator[str]:
    """Yield the keys of figures that measure a figure again, the newest first."""
    kind, *parts = key.split("/")
    match EvidenceKind(kind), parts:
        case EvidenceKind.COMPLAINTS, [year, lens, code]:
            for later in sorted(list_complaint_years(work), reverse=True):
                if later > int(year):
                    yield key_of(EvidenceKind.COMPLAINTS, f"{later}/{lens}/{code}")
        case EvidenceKind.EARLY_WARNING, [*_, since]:
            if since < max(read_complaint_alarms(work).weeks, default=""):
                yield key
        case EvidenceKind.EXPERIENCE_CHECK, [check, _, area, venue_type]:
            yield from _list_later_checks(work, check, area, venue_type)
        case EvidenceKind.COMPARATIVE_TEST, [test, *sample]:
            yield from _list_later_tests(work, test, sample)
        case EvidenceKind.VILLAGES, [wave, indicator, group]:
            for study in list_later_villages(work, wave):
                yield key_of(EvidenceKind.VILLAGES, f"{study}/{indicator}/{group}/{wave}")


def _list_later_checks(work: Work, check: str, area: str, venue_type: str) -> Iterator[str]:
    """Yield the keys of the same mean in later checks, then of the check's own revisit."""
    days = {
        str(each.id): each.data_as_of
        for each in list_experience_checks(work)
        if each.released_at is not None and each.data_as_of is not None
    }
    kind, first = EvidenceKind.EXPERIENCE_CHECK, days.get(check, date.max)
    for later in sorted(days, key=lambda each: days[each], reverse=True):
        if days[later] > first:
            yield key_of(kind, f"{later}/{FIRST_ROUND}/{area}/{venue_type}")
    yield key_of(kind, f"{check}/{SECOND_ROUND}/{NATION}/{ALL_TYPES}")


def _list_later_tests(work: Work, test: str, sample: Sequence[str]) -> Iterator[str]:
    """Yield the keys of later tests of the programme, or of the same model in them."""
    tests = {str(each.summary.id): each for each in list_programme(work, test_id=UUID(test))}
    if test not in tests:
        return
    released = {
        each: tests[each].summary.released_at or datetime.max.replace(tzinfo=UTC) for each in tests
    }
    models = [_name_model(each) for each in tests[test].samples if [each.data.code] == sample]
    for later in sorted(tests, key=lambda each: released[each], reverse=True):
        if released[later] <= released[test]:
            return
        codes = [each.data.code for each in tests[later].samples if _name_model(each) in models]
        for code in codes if sample else [""]:
            yield key_of(EvidenceKind.COMPARATIVE_TEST, f"{later}/{code}".rstrip("/"))


def find_citable_figure(work: Work, *, city_code: str, key: str) -> CitedFigure | None:
    """Return the published figure of a key; None if a problem of the city cannot cite it."""
    work.require(Action.READ_PROBLEMS, city_code)
    # The trail keeps the Chinese words of what it said.
    return _find_figures(work, city_code, "zh", {key}).get(key)


def _find_figures(
    work: Work, city: str, language: str, keys: Collection[str], followed: Collection[str] = ()
) -> dict[str, CitedFigure]:
    """Return key -> published figure for `keys`; only the sources that they name are read.

    Args:
        followed: Keys that were found once, so that an early warning that is over is said to be.
    """
    kinds = {key.partition("/")[0] for key in keys}
    figures: list[CitedFigure] = []
    if EvidenceKind.COMPLAINTS in kinds:
        lenses = {
            year: [
                lens
                for lens in LENSES
                if any(
                    key.startswith(key_of(EvidenceKind.COMPLAINTS, f"{year}/{lens}/"))
                    for key in keys
                )
            ]
            for year in list_complaint_years(work)
        }
        cited = {year: named for year, named in lenses.items() if named}
        figures += _list_complaints(work, city, language, cited)
    if EvidenceKind.EXPERIENCE_CHECK in kinds:
        figures += _list_checks(work, city, language)
    if EvidenceKind.COMPARATIVE_TEST in kinds:
        figures += _list_tests(work, language)
    if EvidenceKind.EARLY_WARNING in kinds:
        figures += _list_warnings(work, city, language, followed)
    if EvidenceKind.VILLAGES in kinds:
        figures += find_village_figures(
            work, city=city, language=language, keys=keys, followed=followed
        )
    return {each.key: each for each in figures if each.key in keys}


def _list_complaints(
    work: Work, city: str, language: str, years: Mapping[int, Collection[str]]
) -> Iterator[CitedFigure]:
    """Yield a city's complaint figures by year: total, and shares by the code lists given."""
    t = translator(language)
    for number, lenses in years.items():
        read_year = partial(read_complaint_year, work, lenses=lenses)
        year = read_year(year=number)
        if year is None or year.find_cell(TOTAL, city, TOTAL) is None:
            continue
        before = read_year_before(work, year=year, lenses=lenses)
        span = t("Complaints, {first} to {last}", first=year.months[0], last=year.months[-1])
        cite = partial(
            CitedFigure,
            EvidenceKind.COMPLAINTS,
            data_as_of=max(each.data_as_of for each in year.periods),
            is_demo=year.is_demo,
        )
        sentence = join_sentences(describe_total(year, before, city, language), language)
        yield cite(f"{number}/{TOTAL}/{TOTAL}", span, sentence)
        for lens in COMPLAINT_CODES:
            if lens not in lenses or lens not in year.by_lens:
                continue
            for share in list_lens_shares(year, before, lens, city, language):
                if share.count is not None:
                    yield cite(
                        f"{number}/{lens}/{share.code}",
                        " · ".join((span, t(LENS_NAMES[lens]), share.name)),
                        join_sentences(describe_share(share, t), language),
                    )


def _list_checks(work: Work, city: str, language: str) -> Iterator[CitedFigure]:
    """Yield mean scores of released experience checks: of the city by type, and of all venues."""
    t = translator(language)
    for summary in list_experience_checks(work):
        day = summary.data_as_of
        if summary.released_at is None or day is None:
            continue
        check = get_experience_check(work, wave_id=summary.id)
        shown = build_check_scores(check)
        title = label_text(summary.title, language, summary.key)
        cite = partial(
            CitedFigure, EvidenceKind.EXPERIENCE_CHECK, data_as_of=day, is_demo=summary.is_demo
        )
        for (area, kind), mean in shown.scores.items():
            if mean is not None and area in (city, NATION):
                yield cite(
                    f"{summary.id}/{FIRST_ROUND}/{area}/{kind}",
                    f"{title} · {name_area(area, language)} · {name_type(kind, language)}",
                    describe_mean(mean, t),
                )
        revisit = describe_revisit(shown, t)
        if revisit:
            reference = f"{summary.id}/{SECOND_ROUND}/{NATION}/{ALL_TYPES}"
            yield cite(reference, " · ".join((title, t("Revisit"))), revisit)


def _list_tests(work: Work, language: str, *, is_failing: bool = False) -> Iterator[CitedFigure]:
    """Yield for each released comparative test how many samples have which grade, and each sample.

    Args:
        is_failing: Yield only the samples that do not conform to a limit.
    """
    t = translator(language)
    for summary in list_comparative_tests(work):
        if summary.state is not ComparativeTestState.RELEASED or summary.released_at is None:
            continue
        test = get_comparative_test(work, test_id=summary.id)
        texts = ComparativeTestTexts(test, t, language)
        title = label_text(summary.title, language, summary.key)
        cite = partial(
            CitedFigure,
            EvidenceKind.COMPARATIVE_TEST,
            data_as_of=max(
                (value.measured_on for value in test.values),
                default=china_date(summary.released_at),
            ),
            is_demo=summary.is_demo,
        )
        counts = Counter(each.standing.grade for each in test.samples if each.standing is not None)
        grades = [
            t("{grade}: {count}", grade=texts.grade_name(grade.key), count=counts[grade.key])
            for grade in test.rules.grades
        ]
        words = t("{count} samples. {grades}", count=counts.total(), grades="; ".join(grades))
        yield cite(str(summary.id), title, words)
        for each in test.samples:
            if each.standing is None:
                continue
            failing = texts.list_failed_characteristics(each.standing)
            if failing or not is_failing:
                words = (
                    t("does not conform: {characteristics}", characteristics=t(", ").join(failing))
                    if failing
                    else t("no characteristic clearly fails its limit")
                )
                grade = texts.grade_name(each.standing.grade)
                reference = f"{summary.id}/{each.data.code}"
                yield cite(reference, f"{title} · {_name_model(each)}", f"{grade} · {words}")


def _name_model(sample: GradedSample) -> str:
    return f"{sample.data.brand} {sample.data.model}"


def _list_warnings(
    work: Work, city: str, language: str, followed: Collection[str] = ()
) -> Iterator[CitedFigure]:
    """Yield the early warnings of a city's complaints, and what became of those `followed`.

    Nothing where the newest week holds none of the city's complaints; of a series that gives no
    warning nothing either while some warnings of the city are kept back, because it may be one.
    """
    t = translator(language)
    found = read_complaint_alarms(work)
    if not any(each.area in (NATION, city[:2], city) for each in found.periods):
        return
    warnings = {each.key[1:]: each for each in found.alarms if each.area == city}
    keys: dict[str, tuple[str, ...]] = {
        "/".join((*series, each.since)): series for series, each in warnings.items()
    }
    for key in sorted(followed):
        kind, *codes, _ = key.split("/")
        if kind == EvidenceKind.EARLY_WARNING and is_complaint_series(*codes):
            keys[key.partition("/")[2]] = tuple(codes)
    first = monday_of(found.weeks[-1])
    span = {"first": format_day(t, first), "last": format_day(t, first + timedelta(days=6))}
    for reference, series in keys.items():
        warning = warnings.get(series)
        if warning is not None:
            words = t(
                "{first} to {last}: {count} complaints, usually {range}; more than usual since "
                "{since}",
                **span,
                count=format_count(warning.count),
                range=format_range(warning, t),
                since=format_day(t, monday_of(warning.since)),
            )
        elif found.kept_back.get(city):
            continue
        else:
            words = t("{first} to {last}: not more than usual", **span)
        names = COMPLAINT_ALARMS.name((city, *series), language)
        yield CitedFigure(
            EvidenceKind.EARLY_WARNING,
            reference,
            " · ".join((t("Early warning of complaints"), *names)),
            words,
            max(each.data_as_of for each in found.periods),
            found.is_demo,
        )
