"""What stands beside the score of a city: what people say when asked, and what was recorded.

The two do not measure the same. A survey asks about any dispute, whomever it was taken to; a
system records complaints that reached it, also of visitors. They are shown side by side and never
combined.
"""

from dataclasses import dataclass

import numpy as np

from survey.access.principal import Principal
from survey.context.complaints.rates import per_100_000
from survey.context.count_declaration import TOTAL
from survey.context.rank_correlation import RankCorrelation, compute_rank_correlation
from survey.locale import Translator, msg
from survey.locale.figures import format_count, format_score, format_signed
from survey.publish.complaint_coverage import find_residents
from survey.publish.complaint_tables import ComplaintYear
from survey.publish.views.chart_panels import ChartPanel
from survey.publish.views.complaint_charts import ScoredCity, build_scatter
from survey.publish.views.complaints import describe_sources, describe_total
from survey.publish.views.estimate_text import WITHHELD, estimate_at, format_interval
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults

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
    """Both sides of one city in words."""

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
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    city: str,
    year: ComplaintYear,
    before: ComplaintYear | None,
) -> BesideScoreView:
    """Build the view of one city; `before` is the year before."""
    reading = ViewContext(results, principal, language)
    t, name = reading.t, reading.names.area(city)
    recorded = describe_total(year, before, city, language)
    cities = _list_scored_cities(reading, year)
    found = compute_rank_correlation([c.score for c in cities], [c.rate for c in cities])
    difference = t(
        "The two sides count different things: the survey any dispute of residents in twelve "
        "months, whomever they turned to; the system the complaints that reached it. Neither is "
        "part of the score."
    )
    years = (
        ()
        if year.year == reading.wave.year
        else (
            t(
                "The complaints are of {year}, the survey is of {wave_year}.",
                year=year.year,
                wave_year=reading.wave.year,
            ),
        )
    )
    return BesideScoreView(
        city=name,
        asked=tuple(_build_asked_rows(reading, city)),
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


def _build_asked_rows(reading: ViewContext, city: str) -> list[tuple[str, str, str, str]]:
    t = reading.t
    cells = reading.cells(area_level="city", area=city, indicator=[key for key, _ in ASKED])
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
            rows.append((t(label), t(WITHHELD), "", ""))
    return rows


def _list_scored_cities(reading: ViewContext, year: ComplaintYear) -> list[ScoredCity]:
    """Return the cities that a reader sees with both figures, and complaints of every month."""
    cells = reading.cells(area_level="city")
    cities = []
    for code, score in zip(cells.texts("area"), cells.numbers("estimate"), strict=True):
        row = year.find_cell(TOTAL, code, TOTAL)
        rate = None if row is None else per_100_000(row["accepted"], find_residents(year, code))
        if rate is not None and not np.isnan(score):
            cities.append(ScoredCity(code, reading.names.area(code), float(score), rate))
    return cities


def _describe_agreement(found: RankCorrelation | None, t: Translator) -> list[str]:
    """Return the rank correlation of the score with complaints over the cities a reader sees."""
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
