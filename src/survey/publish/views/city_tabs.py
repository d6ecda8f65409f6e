"""Charts in the tabs of a city's page: indicators, groups, and what people report."""

import numpy as np

from survey.access.principal import Principal
from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.publish.charts import ChartKind, ChartLabels
from survey.publish.charts.marks import HIDDEN
from survey.publish.views.chart_panels import (
    ChartHeading,
    ChartPanel,
    score_chart,
    score_title,
    subtitle,
)
from survey.publish.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    gap_table,
    score_rows,
)
from survey.publish.views.city_peers import find_reference
from survey.publish.views.estimate_text import estimate_at
from survey.publish.views.measures import TOPICS, topic_charts
from survey.publish.views.table_slice import TableSlice
from survey.publish.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.group_questions import declared_items
from survey.sample.special_groups import EVERYONE

PROFILE_VARIABLES = (
    "gender",
    "age_band",
    "elderly",
    "guardian",
    "residence",
    "income",
    "education",
)


def build_city_indicators(
    *,
    results: WaveResults,
    principal: Principal,
    language: str,
    city: str,
    against: str,
    peers: tuple[str, ...] = (),
    detail: bool = False,
) -> ChartPanel:
    """Build the chart of a city beside its reference, two or three levels of indicators."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    codes = [COMPOSITE, *reading.level_codes(*((1, 2, 3) if detail else (1, 2)))]
    cells = reading.cells(area_level="city", area=city, indicator=None).in_order("indicator", codes)
    other = find_reference(reading, city, against, peers, codes)
    gaps = other.gaps
    others = dict(zip(other.cells.texts("indicator"), other.cells.numbers("estimate"), strict=True))
    codes_drawn = cells.texts("indicator")
    labels = [reading.names.numbered(code) for code in codes_drawn]
    name, reference = reading.names.area(city), other.name
    rows = score_rows(cells, labels, t, key="indicator")
    rows["reference"] = np.array([others.get(code, np.nan) for code in codes_drawn])
    verdict_by_code = dict(zip(gaps.texts("indicator"), classify_differences(gaps), strict=True))
    rows["role"] = [
        role if role == HIDDEN else verdict_by_code.get(code, role)
        for role, code in zip(rows["role"], codes_drawn, strict=True)
    ]
    title = t("{city} beside {yardstick}, indicator by indicator", city=name, yardstick=reference)
    return ChartPanel(
        key="city-tree",
        kind=ChartKind.DUMBBELL,
        title=title,
        subtitle=subtitle(reading, score_title(t), cells.max_value("n")),
        alt=t(
            "{title}. {count} indicators. The same data follow as a table.",
            title=title,
            count=len(codes_drawn),
        ),
        text=ChartLabels(
            value=score_title(t),
            name=t("Indicator"),
            interval=t("95%\u00a0interval"),
            n="n",
            series=(name, reference),
        ),
        chart_rows=rows,
        table_columns=_build_indicator_table(reading, cells, rows, gaps, labels, name, reference),
        note=other.note,
    )


def _build_indicator_table(
    reading: ViewContext,
    cells: TableSlice,
    rows: Rows,
    gaps: TableSlice,
    labels: list[str],
    city: str,
    reference: str,
) -> Rows:
    t = reading.t
    if len(gaps):
        ordered = gaps.in_order("indicator", cells.texts("indicator"))
        names = [reading.names.numbered(code) for code in ordered.texts("indicator")]
        return gap_table(ordered, names, t, name=t("Indicator"), this=city, other=reference)
    return {
        t("Indicator"): labels,
        city: cells.numbers("estimate"),
        t("95% from"): cells.numbers("ci_low"),
        t("95% to"): cells.numbers("ci_high"),
        reference: rows["reference"],
        "n": counts(cells.numbers("n")),
    }


def build_city_groups(
    *, results: WaveResults, principal: Principal, language: str, city: str
) -> ChartPanel:
    """Build the chart of the groups of a city, beside all its respondents."""
    reading = ViewContext(results, principal, language)
    t = reading.t
    cells = reading.cells(area_level="city", area=city, group=None)
    headline = estimate_at(cells.where("group", EVERYONE))
    name = reading.names.area(city)
    order = [
        key
        for variable in (*PROFILE_VARIABLES, *declared_items(results.method.grouping))
        for key in results.method.groups
        if key.partition("=")[0] == variable
    ]
    groups = cells.in_order("group", order)
    indicator = reading.names.indicator(COMPOSITE)
    heading = ChartHeading(
        "city-groups",
        t("{indicator} of groups in {city}", indicator=indicator, city=name),
        t("Group"),
        t("Dashed line: all respondents of {city}. Groups overlap.", city=name),
    )
    return score_chart(
        reading,
        heading,
        groups,
        [reading.names.group(key) for key in groups.texts("group")],
        key="group",
        n=headline.n,
        reference=None if headline.estimate is None else (name, headline.estimate),
    )


def build_city_measures(
    *, results: WaveResults, principal: Principal, language: str, city: str, topic: str
) -> tuple[ChartPanel, ...]:
    """Build charts of what people report on a topic and how they rate it, beside the nation."""
    reading = ViewContext(results, principal, language)
    t, name = reading.t, reading.names.area(city)
    everyone = reading.cells(area_level="city", area=city, indicator=None)
    nation = reading.cells(area_level="nation", area=NATION, indicator=None)
    others = {name: everyone, t("Nation"): nation}
    words = {"city": name, "topic": t(TOPICS[topic]) if topic in TOPICS else topic}
    return topic_charts(
        reading,
        topic,
        others,
        keys=("city-reports", "city-ratings"),
        titles=(
            t("{topic}: what people in {city} report", **words),
            t("{topic}: how people in {city} rate it", **words),
        ),
        counted=(everyone,),
    )
