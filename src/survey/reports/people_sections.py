"""Sections on people and areas: special groups, complaints, losses, education, provinces."""

from collections import Counter

from survey.access.roles import NATION
from survey.evidence_city.city_action import OutsidePart
from survey.evidence_city.outside_city import build_outside_parts
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.figure_table import SCORE, gap_measure
from survey.figures.views.changes import mark_roles
from survey.figures.views.chart_rows import classify_differences
from survey.figures.views.estimate_text import (
    difference_of,
    iter_available,
    signed_ends,
    unsigned_difference,
)
from survey.figures.views.measures import rates, ratings
from survey.figures.views.overview import OverviewFilters, build_overview_areas
from survey.figures.views.ranking import ListedCity, list_first_and_last
from survey.figures.views.small_areas import read_grades
from survey.figures.views.table_slice import TableSlice
from survey.frame.quotas import ELDERLY, GUARDIAN, RURAL
from survey.locale.figures import MISSING, format_score, format_signed
from survey.reports.comparison_sections import describe_strengths
from survey.reports.contents import (
    Block,
    Column,
    Paragraph,
    ReportChart,
    ReportKind,
    ReportSection,
    ReportTable,
)
from survey.reports.pictures import join_list
from survey.reports.result_sections import city_table
from survey.reports.scope import ReportScope, choose_case

_FIRST_SHARE = 3.0
"""Part of the width of the first column, which holds names; the others share the rest alike."""


def build_outside(scope: ReportScope) -> ReportSection | None:
    """Build the section on complaints, venue checks and opinion in a city; else None."""
    if scope.kind is not ReportKind.CITY or scope.outside is None or scope.outside.is_empty:
        return None
    blocks: list[Block] = [Paragraph(scope.say("outside", "apart"))]
    for part in build_outside_parts(scope.outside, scope.context):
        blocks += _list_blocks(part, scope.language)
    return scope.section("outside", blocks)


def _list_blocks(part: OutsidePart, language: str) -> list[Block]:
    """Return the sentences of one kind of evidence and, for the annex, its tables and notes."""
    note = " ".join(part.notes)
    blocks: list[Block] = [Paragraph(("" if language == "zh" else " ").join(part.sentences))]
    for number, (title, (heads, rows)) in enumerate(part.tables, start=1):
        columns = tuple(
            Column(head, 1.6 if place else _FIRST_SHARE, is_number=place > 0)
            for place, head in enumerate(heads)
        )
        is_last = number == len(part.tables)
        blocks.append(ReportTable(title, columns, rows, note if is_last else "", is_annexed=True))
    if not part.tables:
        blocks.append(Paragraph(note, quiet=True))
    return blocks


_DRAWN_LEVEL = "region3"
_LEVELS = (_DRAWN_LEVEL, "city_class", "size_tier")


def build_areas(scope: ReportScope) -> ReportSection | None:
    """Build the section on scores by region, class and size of cities; None but for the nation."""
    if scope.kind is not ReportKind.NATION:
        return None
    context, t = scope.context, scope.context.t
    blocks: list[Block] = [Paragraph(scope.say("areas", "table"))]
    for level in _LEVELS:
        cells = context.cells(area_level=level, indicator=scope.main).descending("estimate")
        shown = dict(iter_available(cells, "area"))
        rows = tuple(
            (context.names.area(code), *scope.write_figure(figure))
            for code, figure in shown.items()
        )
        ids = [scope.figure_id(SCORE, area=code, area_level=level) for code in shown]
        columns = (Column(context.names.level(level), 4), *scope.figure_columns(t("Score"), 1.5, 3))
        if rows:
            title, is_drawn = context.names.level(level), level == _DRAWN_LEVEL
            named = scope.name_ids(*ids)
            blocks.append(ReportTable(title, columns, rows, ids=named, is_annexed=is_drawn))
    panel = build_overview_areas(context, filters=OverviewFilters(), by=_DRAWN_LEVEL)
    blocks.insert(1, ReportChart(panel))
    return scope.section("areas", blocks) if len(blocks) > 2 else None


def build_cities(scope: ReportScope) -> ReportSection | None:
    """Build the section on scores and ranks of an area's cities; None for a city or if empty."""
    if scope.kind is ReportKind.CITY:
        return None
    codes = [code for code in scope.order.codes if lies_in(scope, code)]
    title = scope.context.t("Cities by score")
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


def lies_in(scope: ReportScope, code: str) -> bool:
    """Return whether a city lies in the area of a report on a province or the nation."""
    city = scope.context.cities.get(code)
    return scope.kind is ReportKind.NATION or (
        city is not None and city.province_code == scope.area
    )


def _name_first_and_last_cities(scope: ReportScope) -> list[str]:
    """Return a sentence on the cities at the first places and one on those at the last."""
    ends = list_first_and_last(scope.context, scope.main, count=5)
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
    """Return a sentence on how many cities rose or fell since the wave before; else empty."""
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


_FOLLOWED = (ELDERLY, GUARDIAN, RURAL)
_TOPICS = ("complaint", "detriment", "education")
_CASES = {HIGHER: "higher", LOWER: "lower", UNCLEAR: "none"}
_VERDICTS = {HIGHER: "higher", LOWER: "lower", UNCLEAR: "unclear"}


def build_groups(scope: ReportScope) -> ReportSection | None:
    """Build the section on special groups against everybody else; hidden groups are left out."""
    context, t = scope.context, scope.context.t
    groups, gaps = list_followed(scope), read_group_gaps(scope, scope.main)
    grades, roles = read_grades(context, scope.area, groups), classify_differences(gaps)
    figures = scope.own_figures([scope.main], groups)
    rows: list[tuple[str, ...]] = []
    for row, group in enumerate(gaps.texts("group")):
        if roles[row] not in _CASES:
            continue
        gap = difference_of(context.names.group(group), gaps, row)
        rows.append(
            (
                gap.name,
                format_score(gap.group),
                format_score(gap.reference),
                format_signed(gap.figure.estimate),
                scope.interval(gap.figure),
                *scope.write_precision(figures[scope.main, group]),
                scope.say_verdict(_VERDICTS, roles[row], gap.figure),
                grades.get(group, MISSING),
            )
        )
    if not rows:
        return None
    columns: tuple[Column, ...] = (
        Column(t("Group"), 3.2),
        Column(t("Group score"), 1.5, is_number=True),
        Column(t("Everybody else"), 1.9, is_number=True),
        *scope.figure_columns(t("Difference"), 1.9, 2.4),
        Column(t("Verdict"), 2.2),
        Column(t("Grade"), 1.3, is_number=True),
    )
    if not grades:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    code = scope.say("ids", "group")
    ids = [scope.figure_id(measure, group=code) for measure in (SCORE, gap_measure("rest"))]
    note, named = scope.say("groups", "grades") if grades else "", scope.name_ids(*ids)
    title = t("Special groups beside the rest")
    return scope.section("groups", [ReportTable(title, columns, tuple(rows), note, named)])


def list_followed(scope: ReportScope) -> list[str]:
    """Return the special groups that a report follows and the wave has."""
    return [group for group in _FOLLOWED if group in scope.context.results.method.groups]


def read_group_gaps(scope: ReportScope, indicator: str) -> TableSlice:
    """Return the differences of the special groups from everybody else in an indicator."""
    groups = list_followed(scope)
    return scope.context.gaps(
        "rest", area_level=scope.level, area=scope.area, group=groups, indicator=indicator
    ).in_order("group", groups)


def describe_groups(scope: ReportScope) -> list[str]:
    """Return a sentence on each special group whose difference may be shown."""
    gaps, lines = read_group_gaps(scope, scope.main), []
    roles, names = classify_differences(gaps), scope.context.names
    for row, group in enumerate(gaps.texts("group")):
        gap = difference_of(names.group(group), gaps, row)
        if roles[row] not in _CASES or gap.figure.low is None:
            continue
        case = choose_case(_CASES, roles[row], gap.figure)
        words = (signed_ends if roles[row] == UNCLEAR else unsigned_difference)(gap.figure)
        lines.append(
            scope.say("groups", case, group=gap.name, indicator=names.indicator(scope.main),
                      area=scope.name, **words)
        )  # fmt: skip
    return lines


def build_standouts(scope: ReportScope) -> ReportSection | None:
    """Build the section on what is good and what is not: indicators, then special groups."""
    lines = [*describe_strengths(scope), *describe_groups(scope)]
    return scope.section("standouts", [Paragraph(line) for line in lines])


def build_complaints(scope: ReportScope) -> ReportSection | None:
    """Build the section on complaints, losses and education; None where nothing can be shown."""
    context, t = scope.context, scope.context.t
    keys = [measure.key for of in (rates, ratings) for measure in of(context, _TOPICS)]
    own = context.cells(area_level=scope.level, area=scope.area, indicator=keys)
    own = own.in_order("indicator", keys)
    nation = context.cells(area_level="nation", area=NATION, indicator=keys)
    others = dict(zip(nation.texts("indicator"), nation.numbers("estimate"), strict=True))
    rows: list[tuple[str, ...]] = [
        (context.names.indicator(key), *scope.write_figure(figure), format_score(others.get(key)))
        for key, figure in iter_available(own, "indicator")
    ]
    if not rows:
        return None
    columns: tuple[Column, ...] = (
        Column(t("Question"), 5),
        *scope.figure_columns(context.names.area(scope.area), 1.4, 2.6),
        Column(context.names.area(NATION), 1.4, is_number=True),
    )
    if scope.area == NATION:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    title = t("Per cent of those asked, or score (0–100) of a rating")
    return scope.section(
        "complaints",
        [Paragraph(scope.say("complaints", "table")), ReportTable(title, columns, tuple(rows))],
    )
