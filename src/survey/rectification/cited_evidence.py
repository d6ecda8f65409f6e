"""Figures that evidence on a problem cites: complaints, experience checks, comparative tests.

Stored is which figure, never its value: what is shown is the figure as it is published now, with
the day until which it was counted. The value at the moment of citing is in the audit trail.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.collection.submission_envelope import FIRST_ROUND, SECOND_ROUND
from survey.comparative_tests.reading import get_comparative_test, list_comparative_tests
from survey.counts.complaint_tables import (
    list_complaint_years,
    read_complaint_year,
    read_year_before,
)
from survey.counts.complaint_view import (
    LENS_NAMES,
    describe_share,
    describe_total,
    list_lens_shares,
)
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import COMPLAINT_CODES, LENSES
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
from survey.rectification.problem_records import EvidenceRecord
from survey.store.china_time import china_date, format_day
from survey.store.tables import ComparativeTestState, EvidenceKind

_OFFERED_YEARS = 2
"""Years of complaints that a city can choose from; what was cited before stays readable."""


@dataclass(frozen=True)
class CitedFigure:
    """Published figure cited as evidence: title, value in words, and date of its data."""

    kind: EvidenceKind
    reference: str
    title: str
    figure: str
    data_as_of: date
    is_demo: bool

    @property
    def key(self) -> str:
        """Kind and reference as one text, `kind/reference`."""
        return key_of(self.kind, self.reference)


def key_of(kind: EvidenceKind, reference: str) -> str:
    """Return `kind/reference`, the key under which forms and records name a figure."""
    return f"{kind.value}/{reference}"


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
        *_list_tests(work, language),
    )
    return {each.key: each for each in figures}


def find_cited_figures(
    work: Work, *, city_code: str, evidence: Iterable[EvidenceRecord], language: str
) -> dict[str, CitedFigure]:
    """Return `kind/reference` -> figure that `evidence` cites and that is still published."""
    work.require(Action.READ_PROBLEMS, city_code)
    cited = {key_of(each.kind, each.reference) for each in evidence}
    return _find_figures(work, city_code, language, cited)


def find_citable_figure(work: Work, *, city_code: str, key: str) -> CitedFigure | None:
    """Return the published figure of a key; None if a problem of the city cannot cite it."""
    work.require(Action.READ_PROBLEMS, city_code)
    # The trail keeps the Chinese words of what it said.
    return _find_figures(work, city_code, "zh", {key}).get(key)


def _find_figures(
    work: Work, city: str, language: str, keys: Collection[str]
) -> dict[str, CitedFigure]:
    """Return key -> published figure for `keys`; only the sources that they name are read."""
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


def _list_tests(work: Work, language: str) -> Iterator[CitedFigure]:
    """Yield a figure for each released comparative test: how many samples have which grade."""
    t = translator(language)
    for summary in list_comparative_tests(work):
        if summary.state is not ComparativeTestState.RELEASED or summary.released_at is None:
            continue
        test = get_comparative_test(work, test_id=summary.id)
        texts = ComparativeTestTexts(test, t, language)
        counts = Counter(each.standing.grade for each in test.samples if each.standing is not None)
        grades = [
            t("{grade}: {count}", grade=texts.grade_name(grade.key), count=counts[grade.key])
            for grade in test.rules.grades
        ]
        yield CitedFigure(
            EvidenceKind.COMPARATIVE_TEST,
            str(summary.id),
            label_text(summary.title, language, summary.key),
            t("{count} samples. {grades}", count=counts.total(), grades="; ".join(grades)),
            max(
                (value.measured_on for value in test.values),
                default=china_date(summary.released_at),
            ),
            summary.is_demo,
        )
