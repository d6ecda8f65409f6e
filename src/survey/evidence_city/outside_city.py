"""Complaints, experience checks and opinion on a city besides its score, for page and report.

Each part has sentences, tables that hold every number of the sentences, and the notes that say who
counted and until when.
"""

from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri

from survey.access.roles import Action
from survey.access.work import Work
from survey.counts.complaint_charts import ScoredCity, build_scatter
from survey.counts.complaint_gate import CountCell
from survey.counts.complaint_lists import Table, is_measure_hidden
from survey.counts.complaint_tables import (
    ComplaintYear,
    compare_years,
    find_residents,
    read_years_for_wave,
)
from survey.counts.complaint_view import (
    build_complaint_view,
    describe_sources,
    describe_total,
    format_yuan,
)
from survey.counts.complaints.sums import RATES, per_100_000, share_in_percent
from survey.counts.count_declaration import TOTAL
from survey.counts.count_kinds import ITEMS, NEGATIVE
from survey.counts.opinion.storage import list_opinion_areas
from survey.counts.opinion_tables import (
    EventWindow,
    OpinionEvent,
    find_busy_days,
    read_opinion_event,
)
from survey.counts.opinion_view import describe_opinion, describe_opinion_sources, find_peak
from survey.evidence_city.city_action import (
    CityAction,
    OutsidePart,
    build_action_parts,
    read_city_action,
)
from survey.figures.charts.count_charts import DURING
from survey.figures.views.chart_panels import ChartPanel
from survey.figures.views.estimate_text import NOT_ASKED, WITHHELD, estimate_at, format_interval
from survey.figures.views.experience_check import HIDDEN_TEXT
from survey.figures.views.measures import is_asked
from survey.figures.views.view_context import ViewContext
from survey.locale import Translator, msg, translator
from survey.locale.figures import (
    MISSING,
    format_change,
    format_count,
    format_percent,
    format_quantity,
    format_score,
    format_signed,
)
from survey.store.china_time import format_day

MIN_CITIES = 10
"""With fewer the interval is hardly ever shorter than the whole range."""


@dataclass(frozen=True)
class RankCorrelation:
    """Rank correlation over cities, with its confidence interval."""

    value: float
    low: float
    high: float
    cities: int


def compute_rank_correlation(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> RankCorrelation | None:
    """Return Spearman's correlation of `first` and `second` with interval; None if too few pairs.

    None if there are fewer than `MIN_CITIES`, or one of the orders is all ties.
    """
    one, other = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    known = ~(np.isnan(one) | np.isnan(other))
    one, other = one[known], other[known]
    count = len(one)
    if count < MIN_CITIES or len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return None
    # scipy.stats, which has this too, takes a fifth of the start of the server to import.
    ranks = pd.DataFrame({"first": one, "second": other}).rank()
    value = float(np.corrcoef(ranks.to_numpy(), rowvar=False)[0, 1])
    bounded = min(max(value, -0.999999), 0.999999)
    half = float(ndtri((1 + level) / 2)) * sqrt((1 + bounded**2 / 2) / (count - 3))
    centre = atanh(bounded)
    return RankCorrelation(value, tanh(centre - half), tanh(centre + half), count)


ASKED = (
    ("had_dispute", msg("Had a dispute in the last 12 months")),
    ("complained", msg("Of these, turned to someone")),
    ("complained_official", msg("Of these, turned to an official body")),
    ("complaint_solved", msg("Of those who turned to someone, dispute settled")),
    ("complaint_satisfaction", msg("Satisfaction with how it was handled (0–100)")),
)
"""Measures of the survey, in the order of what happens."""


@dataclass(frozen=True)
class BesideScoreView:
    """Texts, figures and chart comparing a city's survey results with recorded complaints."""

    city: str
    asked: tuple[tuple[str, str, str, str], ...]
    """Question, figure, interval and n."""
    recorded: tuple[str, ...]
    agreement: tuple[str, ...]
    """Rank correlation over the cities, and what it does not say."""
    scatter: ChartPanel | None
    """None where a reader sees too few cities to say anything."""
    notes: tuple[str, ...]


def build_beside_score(
    context: ViewContext, *, city: str, year: ComplaintYear, before: ComplaintYear | None
) -> BesideScoreView:
    """Build the comparison of a city's survey results with complaints of `year` and of `before`."""
    t, name = context.t, context.names.area(city)
    recorded = describe_total(year, before, city, context.language)
    cities = _list_scored_cities(context, year)
    found = compute_rank_correlation([c.score for c in cities], [c.rate for c in cities])
    difference = t(
        "The two sides count different things: the survey any dispute of residents in twelve "
        "months, whomever they turned to; the system the complaints that reached it. Neither is "
        "part of the score."
    )
    years = (
        ()
        if year.year == context.wave.year
        else (
            t(
                "The complaints are of {year}, the survey is of {wave_year}.",
                year=year.year,
                wave_year=context.wave.year,
            ),
        )
    )
    return BesideScoreView(
        city=name,
        asked=tuple(_build_asked_rows(context, city)),
        recorded=tuple(recorded),
        agreement=tuple(_describe_agreement(found, t)),
        scatter=None
        if found is None
        else build_scatter(
            cities=cities,
            city=city,
            name=name,
            note=t("A point is a city. Two orders that agree tell nothing about people or causes."),
            t=t,
        ),
        notes=(difference, *years, *describe_sources(year, t)),
    )


def _build_asked_rows(context: ViewContext, city: str) -> list[tuple[str, str, str, str]]:
    t = context.t
    cells = context.cells(area_level="city", area=city, indicator=[key for key, _ in ASKED])
    rows = []
    for key, label in ASKED:
        figure = estimate_at(cells.where("indicator", key))
        unit = "" if key == "complaint_satisfaction" else "%"
        if figure.available and figure.estimate is not None:
            rows.append(
                (
                    t(label),
                    f"{format_score(figure.estimate)}{unit}",
                    format_interval(figure.low, figure.high, t),
                    format_count(figure.n),
                )
            )
        else:
            reason = WITHHELD if is_asked(context, key) else NOT_ASKED
            rows.append((t(label), t(reason), "", ""))
    return rows


def _list_scored_cities(context: ViewContext, year: ComplaintYear) -> list[ScoredCity]:
    """Return the cities shown with both a score and complaints per 100,000 residents."""
    cells = context.cells(area_level="city")
    cities = []
    for code, score in zip(cells.texts("area"), cells.numbers("estimate"), strict=True):
        row = year.find_cell(TOTAL, code, TOTAL)
        rate = None if row is None else per_100_000(row["accepted"], find_residents(year, code))
        if rate is not None and not np.isnan(score):
            cities.append(ScoredCity(code, context.names.area(code), float(score), rate))
    return cities


def _describe_agreement(found: RankCorrelation | None, t: Translator) -> list[str]:
    """Return sentences on `found`, the rank correlation of scores and complaints; none for None."""
    if found is None:
        return []
    words = t(
        "Over {cities} cities the ranks by score and by complaints per 100,000 residents "
        "correlate with {value} ({interval}).",
        cities=found.cities,
        value=format_signed(found.value, 2),
        interval=t("95%\u00a0interval {low} to {high}", low=format_signed(found.low, 2),
                   high=format_signed(found.high, 2)),
    )  # fmt: skip
    if found.low <= 0 <= found.high:
        verdict = t("No connection can be detected.")
    else:
        verdict = t(
            "That is no cause: where complaining is easy, more is recorded and people may be "
            "more content."
        )
    return [words, verdict]


AROUND_DAYS = 28
"""Days before and after the busiest ones that are looked at."""
COMPLAINT_LENSES = ("nature", "goods_class")
_MOST_CODES = 10
"""Rows of a table of shares: every nature, and of the many classes the largest."""
"""List by which the complaints of a city are shown; the others are on the page of complaints."""


@dataclass(frozen=True, eq=False)
class OutsideEvidence:
    """Complaints, experience checks and opinion counts of a city; None or empty if missing."""

    city: str
    year: ComplaintYear | None
    """Complaints of the year of the wave, or of the newest before it that was delivered."""
    before: ComplaintYear | None
    """Complaints of the year before, of the same months where all of these were delivered."""
    action: CityAction
    opinion: OpinionEvent | None
    """The busiest days, for readers who may see the opinion counts of the city."""

    @property
    def is_empty(self) -> bool:
        return self.year is None and self.action.is_empty and self.opinion is None


def read_outside_evidence(work: Work, *, city: str, wave_year: int) -> OutsideEvidence:
    """Read complaints, experience checks and opinion counts of a city for a wave's year."""
    work.require(Action.READ_RESULTS)
    year, before = read_years_for_wave(work, wave_year=wave_year, lenses=COMPLAINT_LENSES)
    return OutsideEvidence(
        city=city,
        year=year,
        before=before,
        action=read_city_action(work, city=city, year=wave_year),
        opinion=_read_opinion(work, city),
    )


def _read_opinion(work: Work, city: str) -> OpinionEvent | None:
    if city not in list_opinion_areas(work):
        return None
    busy = find_busy_days(work, area=city)
    if busy is None:
        return None
    return read_opinion_event(work, area=city, event=EventWindow(*busy, AROUND_DAYS))


def build_outside_parts(evidence: OutsideEvidence, context: ViewContext) -> tuple[OutsidePart, ...]:
    """Build the parts that have evidence: complaints, checks, tests, education and opinion."""
    parts, language = [], context.language
    if evidence.year is not None:
        parts.append(_build_complaints(evidence, evidence.year, language))
    parts += build_action_parts(evidence.action, evidence.city, context)
    if evidence.opinion is not None:
        parts.append(_build_opinion(evidence.opinion, language))
    return tuple(parts)


def _build_complaints(evidence: OutsideEvidence, year: ComplaintYear, language: str) -> OutsidePart:
    city = evidence.city
    views = [
        build_complaint_view(
            year=year, before=evidence.before, lens=lens, area=city, language=language
        )
        for lens in COMPLAINT_LENSES
    ]
    view, tables = views[0], []
    if year.find_cell(TOTAL, city, TOTAL) is not None:
        tables.append((view.title, _build_complaint_facts(evidence, year, language)))
        for lens, split in zip(COMPLAINT_LENSES, views, strict=True):
            heads, rows = split.lens
            if lens in year.by_lens:
                tables.append((split.lens_title, (heads, tuple(rows)[:_MOST_CODES])))
    return OutsidePart(view.title, view.sentences, tuple(tables), view.notes, year.is_demo)


def _build_complaint_facts(evidence: OutsideEvidence, year: ComplaintYear, language: str) -> Table:
    """Return a table of a city's complaint figures of `year`, each with count and denominator."""
    t = translator(language)
    city, before = evidence.city, evidence.before
    total = year.find_cell(TOTAL, city, TOTAL) or {}
    accepted = total.get("accepted")
    rows = [(t("Complaints accepted"), format_count(accepted), MISSING, MISSING)]
    rows.append((t("Months delivered"), str(len(year.delivered.get(city, ()))), MISSING, "12"))
    found, then = compare_years(year, before, city), year.year - 1
    rows.append(
        (t("Change against the same months of {year}", year=then), MISSING, MISSING, MISSING)
        if found is None
        else (
            t("Change against the same months of {year}", year=then)
            if found.is_whole
            else t("Change against {year}, {months} months", year=then, months=found.months),
            format_change(found.now, found.then),
            format_count(found.now),
            format_count(found.then),
        )
    )
    residents = find_residents(year, city)
    rate = per_100_000(accepted, residents)
    if rate is not None:
        name = t("Complaints per 100,000 residents (2020 census)")
        rows.append((name, format_quantity(rate, 1), format_count(accepted), f"{residents:,d}"))
    rows += _list_measure_rows(total, language)
    return (t("What is counted"), t("Published figure"), t("Count"), t("Base")), tuple(rows)


def _list_measure_rows(total: CountCell, language: str) -> list[tuple[str, str, str, str]]:
    """Return table rows of the rates and measures in `total`, a city's complaints; some hidden."""
    t = translator(language)
    rows = []
    for definition in RATES:
        part, base = total.get(definition.rate), total.get(definition.base)
        share = share_in_percent(part, base)
        name = t("{rate}, {base}", rate=t(definition.name), base=t(definition.base_name))
        if is_measure_hidden(total, definition.rate, definition.base):
            rows.append((name, t(HIDDEN_TEXT), MISSING, MISSING))
        elif share is not None:
            rows.append((name, format_percent(share), format_count(part), format_count(base)))
    for key, name, show in (
        ("recovered_fen", t("Recovered for consumers"), lambda fen: format_yuan(fen, language)),
        ("consultations", t("Enquiries, which are no complaints"), format_count),
        ("fraud", t("Cases of fraud among the complaints"), format_count),
    ):
        if is_measure_hidden(total, key):
            rows.append((name, t(HIDDEN_TEXT), MISSING, MISSING))
        elif total.get(key) is not None:
            rows.append((name, show(total[key]), MISSING, MISSING))
    return rows


def _build_opinion(event: OpinionEvent, language: str) -> OutsidePart:
    t = translator(language)
    title = t("What was written about: the busiest days")
    during = event.totals.get(DURING) or {}
    facts = [
        (
            t("Days of the event"),
            t(
                "{low} to {high}",
                low=format_day(t, event.event.first),
                high=format_day(t, event.event.last),
            ),
        ),
        (t("Number of days"), str(sum(day.window == DURING for day in event.days))),
    ]
    if ITEMS in during and NEGATIVE in during:
        facts += [
            (t("Items"), format_count(during[ITEMS])),
            (t("Negative share"), format_percent(100 * during[NEGATIVE] / during[ITEMS])),
        ]
        peak = find_peak(event)
        if peak is not None:
            facts += [
                (t("Busiest day"), format_day(t, peak.day)),
                (t("Items on that day"), format_count(peak.items)),
            ]
    return OutsidePart(
        title,
        tuple(describe_opinion(event, t)),
        ((title, ((t("What is counted"), t("Published figure")), tuple(facts))),),
        tuple(describe_opinion_sources(event, t)),
        event.is_demo,
    )
