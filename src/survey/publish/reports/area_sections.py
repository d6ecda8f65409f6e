"""Sections on the parts of a larger area: regions and cities, with their possible places."""

from collections import Counter

from survey.locale.figures import format_score
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.figure_table import SCORE
from survey.publish.reports.contents import (
    Block,
    Column,
    Paragraph,
    ReportChart,
    ReportKind,
    ReportTable,
    Section,
)
from survey.publish.reports.result_sections import city_table
from survey.publish.reports.scope import ReportScope
from survey.publish.reports.typography import join_list
from survey.publish.views.changes import mark_roles
from survey.publish.views.estimate_text import estimate_at
from survey.publish.views.overview import OverviewFilters
from survey.publish.views.overview_tabs import build_overview_areas
from survey.publish.views.ranking import ListedCity, list_first_and_last

_LEVELS = ("region3", "city_class", "size_tier")


def build_areas(scope: ReportScope) -> Section | None:
    """Build the scores of the regions and kinds of cities; only for the nation."""
    if scope.kind is not ReportKind.NATION:
        return None
    reading, t = scope.reading, scope.reading.t
    blocks: list[Block] = [Paragraph(scope.say("areas", "table"))]
    for level in _LEVELS:
        cells = reading.cells(area_level=level, indicator=scope.main).descending("estimate")
        rows, ids = [], []
        for row, code in enumerate(cells.texts("area")):
            figure = estimate_at(cells, row=row)
            if figure.available:
                ids.append(scope.figure_id(SCORE, area=code, area_level=level))
                rows.append(
                    (
                        reading.names.area(code),
                        format_score(figure.estimate),
                        scope.interval(figure),
                        *scope.write_precision(figure),
                    )
                )
        columns = (
            Column(reading.names.level(level), 4),
            Column(t("Score"), 1.5, is_number=True),
            Column(t("95%\u00a0interval"), 3, is_number=True),
            *scope.precision_columns(),
        )
        if rows:
            note = scope.name_ids(*ids)
            blocks.append(ReportTable(reading.names.level(level), columns, tuple(rows), note))
    panel = build_overview_areas(
        results=reading.results,
        principal=reading.principal,
        language=scope.language,
        filters=OverviewFilters(),
        by="region3",
    )
    blocks.insert(1, ReportChart(panel))
    return scope.section("areas", blocks) if len(blocks) > 2 else None


def build_cities(scope: ReportScope) -> Section | None:
    """Build the cities of the area with places; None for a city, or where none may be named."""
    if scope.kind is ReportKind.CITY:
        return None
    codes = [code for code in scope.order.codes if _lies_in(scope, code)]
    title = scope.reading.t("Cities by score")
    table = city_table(scope, codes, title)
    if not table.rows:
        return None
    blocks: list[Block] = [Paragraph(scope.say("cities", "table"))]
    if scope.kind is ReportKind.NATION:
        blocks += [
            Paragraph(line)
            for line in (*_name_first_and_last_cities(scope), _count_changes(scope))
            if line
        ]
    return scope.section("cities", [*blocks, table])


def _lies_in(scope: ReportScope, code: str) -> bool:
    city = scope.reading.cities.get(code)
    return scope.kind is ReportKind.NATION or (
        city is not None and city.province_code == scope.area
    )


def _name_first_and_last_cities(scope: ReportScope) -> list[str]:
    """Return the cities at the first and at the last places, in words."""
    ends = list_first_and_last(scope.reading, scope.main, count=5)
    return [
        scope.say("cities", case, list=_list_cities(scope, listed))
        for case, listed in zip(("first", "last"), ends, strict=True)
        if listed
    ]


def _list_cities(scope: ReportScope, listed: tuple[ListedCity, ...]) -> str:
    items = [
        scope.say("cities", "item", name=city.name, places=city.possible_ranks) for city in listed
    ]
    return join_list(items, scope.language)


def _count_changes(scope: ReportScope) -> str:
    """Return how many cities rose and fell since the wave before; empty where none is known."""
    rows = scope.city_changes
    if rows is None:
        return ""
    counted = Counter(mark_roles(rows))
    return scope.say(
        "change",
        "cities",
        rise=str(counted[HIGHER]),
        fall=str(counted[LOWER]),
        none=str(counted[UNCLEAR]),
    )
