"""Sections on people: special groups beside the rest, complaints, losses, education."""

from survey.access.roles import NATION
from survey.locale.figures import MISSING, format_score, format_signed
from survey.publish.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.publish.figure_table import SCORE, gap_measure
from survey.publish.reports.contents import Block, Column, Paragraph, ReportTable, Section
from survey.publish.reports.scope import ReportScope, choose_case
from survey.publish.views.chart_rows import classify_differences
from survey.publish.views.estimate_text import (
    difference_of,
    estimate_at,
    signed_ends,
    unsigned_difference,
)
from survey.publish.views.measures import rates, ratings
from survey.publish.views.table_slice import TableSlice
from survey.results.small_areas import Grade
from survey.sample.special_groups import ELDERLY, GUARDIAN, RURAL

_FOLLOWED = (ELDERLY, GUARDIAN, RURAL)
_TOPICS = ("complaint", "detriment", "education")
_CASES = {HIGHER: "higher", LOWER: "lower", UNCLEAR: "none"}
_VERDICTS = {HIGHER: "higher", LOWER: "lower", UNCLEAR: "unclear"}


def build_groups(scope: ReportScope) -> Section | None:
    """Build the special groups against the rest of the area; hidden ones are not mentioned."""
    reading, t = scope.reading, scope.reading.t
    groups = [group for group in _FOLLOWED if group in reading.results.method.groups]
    gaps = reading.gaps(
        "rest", area_level=scope.level, area=scope.area, group=groups, indicator=scope.main
    ).in_order("group", groups)
    grades, roles = _read_grades(scope, groups), classify_differences(gaps)
    figures = scope.own_figures([scope.main], groups)
    lines: list[str] = []
    rows: list[tuple[str, ...]] = []
    for row, group in enumerate(gaps.texts("group")):
        if roles[row] not in _CASES:
            continue
        gap = difference_of(reading.names.group(group), gaps, row)
        write_words = signed_ends if roles[row] == UNCLEAR else unsigned_difference
        words = write_words(gap.figure)
        case = choose_case(_CASES, roles[row], gap.figure)
        indicator = reading.names.indicator(scope.main)
        if gap.figure.low is not None:
            lines.append(
                scope.say(
                    "groups", case, group=gap.name, indicator=indicator, area=scope.name, **words
                )
            )
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
        Column(t("Difference"), 1.9, is_number=True),
        Column(t("95%\u00a0interval"), 2.4, is_number=True),
        *scope.precision_columns(),
        Column(t("Verdict"), 2.2),
        Column(t("Grade"), 1.3, is_number=True),
    )
    if not grades:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    blocks: list[Block] = [Paragraph(line) for line in lines]
    code = scope.say("ids", "group")
    ids = [scope.figure_id(measure, group=code) for measure in (SCORE, gap_measure("rest"))]
    notes = [scope.say("groups", "grades")] if grades else []
    note = " ".join([*notes, scope.name_ids(*ids)])
    blocks.append(ReportTable(t("Special groups beside the rest"), columns, tuple(rows), note))
    return scope.section("groups", blocks)


def _read_grades(scope: ReportScope, groups: list[str]) -> dict[str, str]:
    """Return the grades of the groups of a city; none for other areas."""
    rows = TableSlice(
        scope.reading.results.small_areas(
            scope.reading.principal, area=scope.area, group=groups, indicator=scope.main
        )
    )
    known = {Grade.A.value, Grade.B.value, Grade.C.value}
    return {
        group: grade
        for group, grade in zip(rows.texts("group"), rows.texts("grade"), strict=True)
        if grade in known
    }


def build_complaints(scope: ReportScope) -> Section | None:
    """Build what people report on complaints, losses and education; None if nothing was asked."""
    reading, t = scope.reading, scope.reading.t
    keys = [measure.key for of in (rates, ratings) for measure in of(reading, _TOPICS)]
    own = reading.cells(area_level=scope.level, area=scope.area, indicator=keys)
    own = own.in_order("indicator", keys)
    nation = reading.cells(area_level="nation", area=NATION, indicator=keys)
    others = dict(zip(nation.texts("indicator"), nation.numbers("estimate"), strict=True))
    rows: list[tuple[str, ...]] = []
    for row, key in enumerate(own.texts("indicator")):
        figure = estimate_at(own, row=row)
        if figure.available:
            rows.append(
                (
                    reading.names.indicator(key),
                    format_score(figure.estimate),
                    scope.interval(figure),
                    *scope.write_precision(figure),
                    format_score(others.get(key)),
                )
            )
    if not rows:
        return None
    columns: tuple[Column, ...] = (
        Column(t("Question"), 5),
        Column(reading.names.area(scope.area), 1.4, is_number=True),
        Column(t("95%\u00a0interval"), 2.6, is_number=True),
        *scope.precision_columns(),
        Column(reading.names.area(NATION), 1.4, is_number=True),
    )
    if scope.area == NATION:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    title = t("Per cent of those asked, or score (0–100) of a rating")
    return scope.section(
        "complaints",
        [Paragraph(scope.say("complaints", "table")), ReportTable(title, columns, tuple(rows))],
    )
