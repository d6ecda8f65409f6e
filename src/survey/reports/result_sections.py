"""Sections on the score itself: the result, the place, the years and the change."""

from collections.abc import Sequence
from dataclasses import replace

from survey.figures.charts.cities import UNRANKED
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.figure_table import RANK, SCORE, change_measure, gap_measure
from survey.figures.views.changes import mark_roles
from survey.figures.views.estimate_text import (
    UNRELIABLE,
    difference_of,
    estimate_at,
    signed_ends,
    unsigned_difference,
)
from survey.figures.views.ranking import format_rank_set
from survey.figures.views.table_slice import TableSlice
from survey.figures.views.trends import TrendScope, find_code_in, trend_chart
from survey.figures.views.view_context import ViewContext
from survey.locale.figures import MISSING, format_count, format_score, format_signed
from survey.reports.contents import (
    Block,
    Column,
    Paragraph,
    ReportChart,
    ReportKind,
    ReportSection,
    ReportTable,
)
from survey.reports.pictures import join_list, write_estimate, write_interval
from survey.reports.scope import ReportScope, choose_case, split_ties
from survey.results import WaveResults
from survey.results.ranks import RANKING

CHANGE_CASES = {HIGHER: "rise", LOWER: "fall", UNCLEAR: "none"}
"""Case of the rules for each verdict of a change; a hidden one has none."""

_NEIGHBOURS = 5
"""Cities on either side of a city in the table of its peers."""


def describe_headline(scope: ReportScope) -> str:
    """Return a sentence with the score and its interval, or that there is no interval."""
    figure = scope.figure
    words = {
        "area": scope.name,
        "indicator": scope.context.names.indicator(scope.main),
        "score": format_score(figure.estimate),
    }
    if figure.low is None or figure.high is None:
        return scope.say("headline", "no_interval", **words)
    words |= {"low": format_score(figure.low), "high": format_score(figure.high)}
    case = "unreliable" if figure.status == UNRELIABLE else "interval"
    return scope.say("headline", case, **words)


def describe_change(scope: ReportScope, topic: str = "change") -> str:
    """Return a sentence on the change since the wave before; empty where it is not shown.

    Args:
        topic: Of the rules, in the words of the report or in everyday ones.
    """
    if scope.before is None:
        return scope.say(topic, "no_wave")
    year = str(scope.before.wave.year)
    if not scope.is_comparable:
        return scope.say(topic, "not_comparable", year=year)
    rows = scope.changes([scope.main])
    role = mark_roles(rows)[0] if rows is not None and len(rows) else HIDDEN_ROLE
    if rows is None or role not in CHANGE_CASES:
        return ""
    figure = difference_of("", rows).figure
    case = choose_case(CHANGE_CASES, role, figure)
    write_words = signed_ends if role == UNCLEAR else unsigned_difference
    return scope.say(topic, case, year=year, **write_words(figure))


def describe_difference(scope: ReportScope, topic: str = "nation") -> str:
    """Return a sentence on a city's difference from the nation; empty where none is shown."""
    difference = scope.difference
    if difference is None or difference.case == HIDDEN_ROLE:
        return ""
    case, figure = difference.case, difference.figure
    write_words = unsigned_difference if difference.is_clear else signed_ends
    return scope.say(topic, "none" if case == UNCLEAR else case, **write_words(figure))


def describe_place(scope: ReportScope) -> str:
    """Return a sentence on a city's place and its possible places; empty for other areas."""
    row = scope.order.row(scope.area) if scope.kind is ReportKind.CITY else None
    has_order = scope.context.results.method.ranking is not None
    if row is None or not len(scope.order.rank) or not has_order:
        return ""
    order, case = scope.order, scope.order.case(row)
    words = {
        "ranked": format_count(order.ranked[row]),
        "place": format_count(order.rank[row]),
        "tied": format_count(order.tied[row]),
        "low": format_count(order.low[row]),
        "high": format_count(order.high[row]),
        # The set says how many cities lie surely above and below, not which: cities within it may
        # be told apart from this one, and cities outside it may not.
        "count": format_count(order.high[row] - order.low[row]),
        "minimum": format_count(RANKING.ranked_from_n),
    }
    return scope.say("place", UNRANKED if case == HIDDEN_ROLE else case, **words)


def build_headline(scope: ReportScope) -> ReportSection | None:
    """Build the section with the score, how sure it is, and a city's place among its peers."""
    sample = scope.say("headline", "sample", n=format_count(scope.figure.n))
    lines = (describe_headline(scope), describe_place(scope), sample)
    blocks: list[Block] = [Paragraph(line) for line in lines if line]
    if describe_place(scope) and scope.profile.peers is not None:
        blocks.append(ReportChart(scope.profile.peers))
    blocks.append(_build_key_figures(scope))
    return scope.section("headline", blocks)


def build_compared(scope: ReportScope) -> ReportSection | None:
    """Build the section on better or worse: than the wave before, and than the nation."""
    lines = (describe_change(scope), describe_difference(scope))
    return scope.section("compared", [Paragraph(line) for line in lines if line])


def _build_key_figures(scope: ReportScope) -> ReportTable:
    """Return a table of score, change and difference from the nation, as far as known."""
    t, figure = scope.context.t, scope.figure
    rows = [(scope.context.names.indicator(scope.main), *scope.write_figure(figure))]
    ids = [scope.figure_id(SCORE)]
    changes = scope.changes([scope.main])
    if changes is not None and len(changes) and scope.before is not None:
        change = difference_of("", changes).figure
        if change.available:
            label = t("Change since {year}", year=str(scope.before.wave.year))
            rows.append((label, *scope.write_figure(change, format_signed)))
            ids.append(scope.figure_id(change_measure(scope.before.wave.key)))
    if scope.difference is not None and scope.difference.figure.available:
        gap = scope.difference.figure
        label = t("Difference from the nation")
        rows.append((label, *scope.write_figure(gap, format_signed)))
        ids.append(scope.figure_id(gap_measure("nation")))
    columns = (Column(t("Figure"), 4), *scope.figure_columns(t("Published figure"), 2, 3))
    named = scope.name_ids(*ids)
    return ReportTable(t("Key figures"), columns, tuple(rows), ids=named, is_annexed=True)


def build_place(scope: ReportScope) -> ReportSection | None:
    """Build the section on a city's nearest peers; None for an area without a place."""
    if not describe_place(scope):
        return None
    codes, peers_chart = [scope.area], scope.profile.peers
    if peers_chart is not None:
        peers = set(peers_chart.chart_rows["code"])
        ordered = [code for code in scope.order.codes if code in peers]
        at = ordered.index(scope.area)
        codes = ordered[max(at - _NEIGHBOURS, 0) : at + _NEIGHBOURS + 1]
    table = city_table(scope, codes, scope.context.t("Peers with the nearest scores"))
    return scope.section("place", [Paragraph(scope.say("place", "caution")), table])


def city_table(scope: ReportScope, codes: Sequence[str], title: str) -> ReportTable:
    """Return a table of the cities `codes`: scores, places and possible places, sorted by place."""
    t, order = scope.context.t, scope.order
    known = set(codes)
    rows = []
    for row, code in enumerate(order.codes):
        figure = estimate_at(order.cells, row=row)
        if code in known and figure.available:
            rows.append(
                (
                    scope.context.names.area(code),
                    *scope.write_figure(figure),
                    format_count(order.rank[row]),
                    format_rank_set(order.low[row], order.high[row]),
                )
            )
    columns = (
        Column(t("City"), 3),
        *scope.figure_columns(t("Score"), 1.5, 3),
        Column(t("Place"), 1.3, is_number=True),
        Column(t("Possible places"), 2, is_number=True),
    )
    city = scope.say("ids", "city")
    ids = scope.name_ids(scope.figure_id(SCORE, area=city), scope.figure_id(RANK, area=city))
    is_long = scope.kind is ReportKind.NATION
    return ReportTable(title, columns, tuple(rows), ids=ids, is_annexed=is_long)


def build_years(scope: ReportScope) -> ReportSection | None:
    """Build the section with the trend; the annex has the scores of up to three waves."""
    waves = sorted((scope.context.results, *scope.earlier[:2]), key=lambda each: each.wave.year)
    codes, t = scope.upper_codes, scope.context.t
    columns_of = [_format_scores_in_wave(scope, results, codes) for results in waves]
    own = columns_of[waves.index(scope.context.results)]
    rows = [
        (scope.context.names.numbered(code), *(column.get(code, MISSING) for column in columns_of))
        for code in codes
        if code in own
    ]
    columns = (
        Column(t("Indicator"), 4),
        *(Column(str(results.wave.year), 2.2, is_number=True) for results in waves),
    )
    title = t("Scores and 95%\u00a0intervals by wave")
    blocks: list[Block] = []
    trend = trend_chart(
        scope.context,
        scope.earlier,
        scope.main,
        scope=TrendScope(scope.level, scope.area),
        key="report-years",
    )
    if len(trend.chart_rows["year"]) > 1:
        blocks += [Paragraph(scope.say("years", "caution")), ReportChart(trend)]
    ids = scope.name_ids(scope.figure_id(SCORE, indicator=scope.say("ids", "indicator")))
    note = scope.say("years", "table")
    blocks.append(ReportTable(title, columns, tuple(rows), note, ids, is_annexed=True))
    return scope.section("years", blocks)


def _format_scores_in_wave(
    scope: ReportScope, results: WaveResults, codes: Sequence[str]
) -> dict[str, str]:
    """Return (code in this wave -> score in the wave of `results`), where comparable and shown."""
    context = ViewContext(results, scope.context.principal, scope.language)
    code_of = {code: find_code_in(results, scope.context.results, code) for code in codes}
    asked = [code for code in code_of.values() if code is not None]
    cells = context.cells(area_level=scope.level, area=scope.area, indicator=asked)
    row_of = {code: row for row, code in enumerate(cells.texts("indicator"))}
    scores = {}
    for code, then in code_of.items():
        if then is None or then not in row_of:
            continue
        figure = estimate_at(cells, row=row_of[then])
        if figure.available:
            scores[code] = write_estimate(figure, scope.language)
    return scores


def build_change(scope: ReportScope) -> ReportSection | None:
    """Build the section on changes since the wave before, with significance; None without them."""
    rows = scope.changes(scope.upper_codes)
    if rows is None or scope.before is None:
        return None
    roles = mark_roles(rows)
    lines, moved = [], 0
    for role, case in ((HIGHER, "risen"), (LOWER, "fallen")):
        chosen = [row for row, own in enumerate(roles) if own == role]
        moved += len(chosen)
        if chosen:
            lines.append(scope.say("change", case, list=_list_changes(scope, rows, chosen)))
    if not moved:
        lines.append(scope.say("change", "unmoved"))
    lines.append(scope.say("change", "rule"))
    table = build_change_table(scope, rows, scope.context.t("Change by indicator"))
    if table is None:
        return None
    table = replace(table, is_annexed=True)
    return scope.section("change", [*map(Paragraph, lines), table])


def build_change_table(scope: ReportScope, changes: TableSlice, title: str) -> ReportTable | None:
    """Return a table of changes and their significance, a row each; None where all are hidden."""
    if scope.before is None:
        return None
    roles, t = mark_roles(changes), scope.context.t
    before, after, difference, low, high, n_before, n = (
        changes.numbers(name)
        for name in ("reference", "estimate", "difference", "ci_low", "ci_high", "n_before", "n")
    )
    rows = tuple(
        (
            scope.context.names.numbered(code),
            format_score(before[row]),
            format_score(after[row]),
            format_signed(difference[row]),
            write_interval(low[row], high[row], scope.language),
            f"{format_count(n_before[row])} / {format_count(n[row])}",
            scope.say_verdict(CHANGE_CASES, roles[row], difference_of("", changes, row).figure),
        )
        for row, code in enumerate(changes.texts("indicator"))
        if roles[row] in CHANGE_CASES
    )
    columns = (
        Column(t("Indicator"), 3.3),
        Column(str(scope.before.wave.year), 1.4, is_number=True),
        Column(str(scope.context.wave.year), 1.4, is_number=True),
        Column(t("Change"), 1.4, is_number=True),
        Column(t("95%\u00a0interval"), 2.4, is_number=True),
        Column(f"n {scope.before.wave.year} / {scope.context.wave.year}", 2.4, is_number=True,
               is_detail=True),
        Column(t("Verdict"), 3.4),
    )  # fmt: skip
    measure = change_measure(scope.before.wave.key)
    ids = scope.name_ids(scope.figure_id(measure, indicator=scope.say("ids", "indicator")))
    return ReportTable(title, columns, rows, ids=ids) if rows else None


def _list_changes(scope: ReportScope, rows: TableSlice, chosen: Sequence[int]) -> str:
    """Put the largest changes among the `chosen` row numbers into words, equal ones together."""
    difference = rows.numbers("difference")
    ordered = sorted(chosen, key=lambda row: -abs(difference[row]))
    names = [scope.context.names.indicator(code) for code in rows.texts("indicator")]
    parts = [
        scope.say(
            "change",
            "item" if len(tied) == 1 else "tied",
            name=join_list([names[row] for row in tied], scope.language),
            change=format_signed(difference[tied[0]]),
        )
        for tied in split_ties(ordered, lambda row: format_score(float(difference[row])))
    ]
    return join_list(parts, scope.language, long=True)
