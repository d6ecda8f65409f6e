"""View of what changed between two waves, with arrows only after adjustment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.locale import Message, SurveyError, Translator, msg
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.charts.marks import HIDDEN
from survey.publish.views.chart_panels import ChartHeading, ChartPanel, subtitle
from survey.publish.views.chart_rows import Rows, add_reference_row, counts, gap_rows, remarks
from survey.publish.views.estimate_text import (
    EstimateDifference,
    difference_of,
    format_signed,
    unsigned_difference,
)
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.changes import FALL, NO_CROSSWALK, OTHER_COMPOSITE, RISE
from survey.results.crosswalk import NotComparableReason, crosswalk
from survey.results.inference import NONE
from survey.sample.special_groups import EVERYONE


@dataclass(frozen=True)
class TrendFilters:
    """Filters of the page of trends.

    `before` is the key of the earlier wave, None where there is none; `region3` and `size_tier`
    narrow the lists of cities, `clear_only` leaves what is significant; `against` is the reference
    of the last chart, `place` the area whose years are drawn.
    """

    before: str | None = None
    indicator: str = COMPOSITE
    group: str = EVERYONE
    place: str = NATION
    region3: str | None = None
    size_tier: str | None = None
    clear_only: bool = False
    against: str = "region3"


def listed_cities(cities: TableSlice, reading: ViewContext, filters: TrendFilters) -> TableSlice:
    """Return the cities of the filter, largest change first, those without one last."""
    keep = reading.cities_within(
        cities.texts("area"), region3=filters.region3, size_tier=filters.size_tier
    )
    return cities.keep(keep).descending("difference")


def list_title(title: str, filters: TrendFilters, t: Translator) -> str:
    """Return the title of a list, which says what the reader left out of it."""
    return t("{title} (significant only)", title=title) if filters.clear_only else title


def describe_selection(reading: ViewContext, filters: TrendFilters) -> str:
    name = reading.names.indicator(filters.indicator)
    if filters.group == EVERYONE:
        return name
    group = reading.names.group(filters.group)
    return reading.t("{indicator}, {group}", indicator=name, group=group)


_ROLES = {RISE: HIGHER, FALL: LOWER, NONE: UNCLEAR}
_VERDICT_TEXTS: Mapping[str, Message] = MappingProxyType(
    {
        HIGHER: msg("Rise"),
        LOWER: msg("Fall"),
        UNCLEAR: msg("No detectable change"),
    }
)


@dataclass(frozen=True)
class WaveYears:
    before: str
    after: str

    @property
    def labels(self) -> dict[str, str]:
        return {"before": self.before, "after": self.after}


def mark_roles(changes: TableSlice) -> list[str]:
    """Return what each row is drawn as: an arrow only where the change holds after adjustment."""
    absent = ~changes.shown | np.isnan(changes.numbers("ci_low"))
    return [
        HIDDEN if gone else _ROLES.get(verdict, UNCLEAR)
        for gone, verdict in zip(absent, changes.texts("verdict"), strict=True)
    ]


def city_change_chart(
    reading: ViewContext,
    cities: TableSlice,
    nation: EstimateDifference,
    filters: TrendFilters,
    years: WaveYears,
) -> ChartPanel:
    t, figure = reading.t, nation.figure
    title = t(
        "{indicator}: change in each city from {before} to {after}",
        indicator=describe_selection(reading, filters),
        **years.labels,
    )
    note = t(
        "Arrows only where the change holds after allowing for all cities being looked at together "
        "(false discovery rate 5%); narrowing the list changes nothing in that. A line that misses "
        "zero without an arrow is what chance alone brings among many cities. Dashed line: the "
        "nation."
    )
    return _change_chart(
        reading,
        ChartHeading("trends-cities", list_title(title, filters, t), t("City"), note),
        cities,
        [reading.names.area(code) for code in cities.texts("area")],
        years,
        key="area",
        kind=ChartKind.CITY_CHANGES,
        line=(t("Nation"), figure.estimate if figure.estimate is not None else np.nan),
    )


def indicator_change_chart(
    reading: ViewContext, nation: TableSlice, filters: TrendFilters, years: WaveYears
) -> ChartPanel:
    t = reading.t
    codes = [COMPOSITE, *reading.level_codes(1, 2)]
    cells = nation.in_order("indicator", codes)
    title = t(
        "{group}: change of every indicator from {before} to {after}, nation",
        group=reading.names.group(filters.group),
        **years.labels,
    )
    note = t("Each indicator is judged by itself; an arrow needs a P value of at most 5%.")
    absent = [code for code in codes if code not in cells.texts("indicator")]
    if absent:
        left_out = t(
            "Not compared, because they were made of other parts or weights in {before} or did not "
            "exist: {indicators}.",
            indicators=", ".join(reading.names.numbered(code) for code in absent),
            **years.labels,
        )
        note = f"{note} {left_out}"
    return _change_chart(
        reading,
        ChartHeading("trends-indicators", title, t("Indicator"), note),
        cells,
        [reading.names.numbered(code) for code in cells.texts("indicator")],
        years,
        key="indicator",
        kind=ChartKind.CHANGES,
    )


def _change_chart(
    reading: ViewContext,
    heading: ChartHeading,
    changes: TableSlice,
    labels: Sequence[str],
    years: WaveYears,
    *,
    key: str,
    kind: ChartKind,
    line: tuple[str, float] | None = None,
) -> ChartPanel:
    """Return changes in the order of `changes`; `line` names the row of the dashed line."""
    t = reading.t
    value = t("Change in points")
    roles = mark_roles(changes)
    why = remarks(changes, changes.numbers("ci_low"), t)
    notes = [text if role == HIDDEN else "" for text, role in zip(why, roles, strict=True)]
    rows = gap_rows(changes, labels, t, key=key) | {"role": roles, "note": notes}
    if line is not None and len(changes) and not np.isnan(line[1]):
        rows = add_reference_row(rows, line, value="difference")
    n = changes.max_value("n") if key == "indicator" else changes.total("n")
    return ChartPanel(
        key=heading.key,
        kind=kind,
        title=heading.title,
        subtitle=subtitle(
            reading, value, n, wave=t("Waves of {years}", years=f"{years.before}, {years.after}")
        ),
        alt=_alt(heading.title, roles, t),
        text=ChartLabels(
            value=value,
            name=heading.rows,
            interval=t("95%\u00a0interval"),
            n=_n_in(t, years.after),
            series=tuple(t(_VERDICT_TEXTS[role]) for role in (HIGHER, LOWER, UNCLEAR)),
        ),
        chart_rows=rows,
        table_columns=_change_rows(changes, labels, roles, heading.rows, years, t),
        note=heading.note,
    )


def _n_in(t: Translator, year: str) -> str:
    return t("n in {year}", year=year)


def _change_rows(
    changes: TableSlice,
    labels: Sequence[str],
    roles: Sequence[str],
    name: str,
    years: WaveYears,
    t: Translator,
) -> Rows:
    return {
        name: list(labels),
        years.before: changes.numbers("reference"),
        years.after: changes.numbers("estimate"),
        t("Change"): changes.numbers("difference"),
        t("95%\u00a0from"): changes.numbers("ci_low"),
        t("95%\u00a0to"): changes.numbers("ci_high"),
        _n_in(t, years.before): counts(changes.numbers("n_before")),
        _n_in(t, years.after): counts(changes.numbers("n")),
        t("Verdict"): ["" if role == HIDDEN else t(_VERDICT_TEXTS[role]) for role in roles],
        t("Remark"): remarks(changes, changes.numbers("ci_low"), t),
    }


def _alt(title: str, roles: Sequence[str], t: Translator) -> str:
    words = {
        "title": title,
        "rise": roles.count(HIGHER),
        "fall": roles.count(LOWER),
        "none": roles.count(UNCLEAR),
    }
    if not words["none"]:
        return t("{title}. {rise} rise, {fall} fall. The same data follow as a table.", **words)
    return t(
        "{title}. {rise} rise, {fall} fall, {none} show no detectable change. The same data follow "
        "as a table.",
        **words,
    )


@dataclass(frozen=True, eq=False)
class ChangeView:
    """View of what changed from one wave to the other."""

    before: str
    """Year of the earlier wave, as it stands in a sentence."""
    difference: EstimateDifference
    sentence: str
    counted: str
    cities: ChartPanel | str
    """Or what is said where only clear changes are asked for and there is none."""
    indicators: ChartPanel


def build_change_view(
    reading: ViewContext, before: WaveResults | None, filters: TrendFilters
) -> tuple[ChangeView | None, str]:
    """Build the view of a change, or of the reason why there is none."""
    t = reading.t
    if before is None:
        return None, t(
            "A change needs two waves of the same series, and there is none before this one. "
            "Please choose a later wave above. If there is no other, changes appear here as soon "
            "as a second wave has been frozen."
        )
    obstacle = find_obstacle(reading, before, filters.indicator)
    if obstacle:
        return None, obstacle
    try:
        changes = reading.changes(
            before.wave,
            area_level=["nation", "city"],
            group=filters.group,
            indicator=filters.indicator,
        )
        nation = reading.changes(
            before.wave,
            area_level="nation",
            group=filters.group,
            indicator=[COMPOSITE, *reading.level_codes(1, 2)],
        )
    except SurveyError as error:
        return None, t(error.message)
    years = WaveYears(str(before.wave.year), str(reading.wave.year))
    whole = changes.where("area_level", "nation")
    cities = changes.where("area_level", "city")
    listed = listed_cities(cities, reading, filters)
    if filters.clear_only:
        listed = listed.among("verdict", (RISE, FALL))
    difference = difference_of(reading.names.group(filters.group), whole)
    return ChangeView(
        before=t("the year {year}", year=years.before),
        difference=difference,
        sentence=_sentence(reading, difference, mark_roles(whole), filters, years),
        counted=_count_sentence(reading, cities),
        cities=t("None of the chosen cities shows a detectable change.")
        if filters.clear_only and not len(listed)
        else city_change_chart(reading, listed, difference, filters, years),
        indicators=indicator_change_chart(reading, nation, filters, years),
    ), ""


def find_obstacle(reading: ViewContext, before: WaveResults, indicator: str) -> str:
    """Return why the indicator cannot be compared with that wave; empty where it can."""
    t, tree = reading.t, reading.results.tree
    if before.wave.composite != reading.wave.composite:
        return t(OTHER_COMPOSITE)
    if tree is None or before.tree is None:
        return t("Changes between waves are computed for questionnaires with an indicator tree.")
    mapping = crosswalk(before.tree, tree)
    if mapping is None:
        return t(NO_CROSSWALK)
    words = {"indicator": reading.names.indicator(indicator), "before": str(before.wave.year)}
    if mapping.why_not.get(indicator) is NotComparableReason.NEW:
        return t("{indicator} did not exist in {before}, so there is no change to show.", **words)
    if indicator not in mapping.before_of:
        return t(
            "{indicator} was made of other parts or weights in {before}. A difference would show "
            "the new recipe, not consumers, so none is shown. Please choose another indicator.",
            **words,
        )
    return ""


def _sentence(
    reading: ViewContext,
    change: EstimateDifference,
    roles: list[str],
    filters: TrendFilters,
    years: WaveYears,
) -> str:
    t, figure = reading.t, change.figure
    words = {"indicator": describe_selection(reading, filters), **years.labels}
    if roles in ([], [HIDDEN]) or figure.estimate is None:
        return t("{indicator}: the change from {before} to {after} cannot be shown.", **words)
    low, high = figure.low or 0.0, figure.high or 0.0
    if roles == [UNCLEAR]:
        return t(
            "{indicator}: no detectable change from {before} to {after} in the nation "
            "(95%\u00a0interval of the change {low} to {high}).",
            low=format_signed(low),
            high=format_signed(high),
            **words,
        )
    words |= unsigned_difference(figure)
    if roles == [HIGHER]:
        return t(
            "{indicator}: {size} points higher in {after} than in {before} in the nation "
            "(95%\u00a0interval {low} to {high}).",
            **words,
        )
    return t(
        "{indicator}: {size} points lower in {after} than in {before} in the nation "
        "(95%\u00a0interval {low} to {high}).",
        **words,
    )


def _count_sentence(reading: ViewContext, cities: TableSlice) -> str:
    t, counts = reading.t, Counter(mark_roles(cities))
    sentence = t(
        "Of {count} cities {rise} rose and {fall} fell; {none} show no detectable change.",
        count=len(cities),
        rise=counts[HIGHER],
        fall=counts[LOWER],
        none=counts[UNCLEAR],
    )
    if not counts[HIDDEN]:
        return sentence
    return t(
        "{counted} {hidden} are not shown: too few interviews, or to protect personal data.",
        counted=sentence,
        hidden=counts[HIDDEN],
    )
