"""Sections that compare a city: indicator by indicator, strengths and gaps, leading cities."""

from collections import Counter
from collections.abc import Sequence

from survey.access.roles import NATION
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.figure_table import SCORE, gap_measure
from survey.figures.views.chart_rows import classify_differences
from survey.figures.views.city import build_city_indicators
from survey.figures.views.city_peers import (
    CHOSEN,
    CHOSEN_REFERENCE,
    find_reference,
    find_reference_area,
    list_shown_peers,
)
from survey.figures.views.estimate_text import (
    ALONE,
    Estimate,
    EstimateDifference,
    difference_of,
    iter_available,
)
from survey.figures.views.overview import build_overview_indicators
from survey.figures.views.table_slice import TableSlice
from survey.frame.quotas import EVERYONE
from survey.locale.figures import MISSING, format_score, format_signed
from survey.reports.contents import (
    Block,
    Column,
    Paragraph,
    ReportChart,
    ReportKind,
    ReportSection,
    ReportTable,
)
from survey.reports.pictures import join_list, write_interval
from survey.reports.scope import ReportScope, choose_case
from survey.results.headlines import DOMAIN

GAP_CASES = {HIGHER: "higher", LOWER: "lower", UNCLEAR: "unclear"}
"""Case of the rules for each verdict of a difference; a hidden one has none."""
_PEERS = "size_tier"
_LISTED = 5
"""Strengths and gaps in the table."""
_LEADERS = 3
"""Leading cities that are named for an indicator."""


def build_tree(scope: ReportScope) -> ReportSection | None:
    """Build the section on all indicators, in a city's report beside those of nation and peers."""
    if scope.kind is ReportKind.CITY:
        return _build_city_tree(scope)
    context, t = scope.context, scope.context.t
    cells = context.cells(area_level=scope.level, area=scope.area, indicator=scope.upper_codes)
    cells = cells.in_order("indicator", scope.upper_codes)
    rows = [
        (context.names.numbered(code), *scope.write_figure(figure))
        for code, figure in iter_available(cells, "indicator")
    ]
    columns = (Column(t("Indicator"), 5), *scope.figure_columns(t("Score"), 1.5, 3))
    ids = scope.name_ids(scope.figure_id(SCORE, indicator=scope.say("ids", "indicator")))
    blocks: list[Block] = [Paragraph(scope.say("tree", "scores"))]
    has_chart = scope.kind is ReportKind.NATION
    if has_chart:
        blocks.append(ReportChart(build_overview_indicators(context, basis=DOMAIN)))
    title = t("Scores by indicator")
    blocks.append(ReportTable(title, columns, tuple(rows), ids=ids, is_annexed=has_chart))
    return scope.section("tree", blocks) if rows else None


def _build_city_tree(scope: ReportScope) -> ReportSection | None:
    context, t, codes = scope.context, scope.context.t, scope.upper_codes
    nation = context.gaps("nation", area_level="city", area=scope.area, indicator=codes)
    nation = nation.in_order("indicator", codes)
    against = CHOSEN if scope.peers else _PEERS
    peers = find_reference(context, scope.area, against, scope.peers, codes)
    roles = classify_differences(nation)
    peer_words = _describe_rows(scope, peers.gaps)
    figures, names = scope.own_figures(codes), context.names
    reference = names.area(NATION)
    own, other, difference, low, high = (
        nation.numbers(name)
        for name in ("estimate", "reference", "difference", "ci_low", "ci_high")
    )
    rows = tuple(
        (
            names.numbered(code),
            format_score(own[row]),
            format_score(other[row]),
            format_signed(difference[row]),
            write_interval(low[row], high[row], scope.language),
            *scope.write_precision(figures[code, EVERYONE]),
            scope.say_verdict(GAP_CASES, roles[row], difference_of(code, nation, row).figure),
            peer_words.get(code, MISSING),
        )
        for row, code in enumerate(nation.texts("indicator"))
        if roles[row] in GAP_CASES
    )
    if not rows:
        return None
    columns = (
        Column(t("Indicator"), 3.4),
        Column(scope.name, 1.2, is_number=True),
        Column(reference, 1.2, is_number=True),
        *scope.figure_columns(t("Difference"), 1.3, 2.2),
        Column(t("Verdict"), 2.4),
        Column(t("Against {peers}", peers=peers.name), 2.6),
    )
    panel = build_city_indicators(context, city=scope.area, against="nation")
    return scope.section(
        "tree",
        [
            Paragraph(_count_roles(scope, nation)),
            ReportChart(panel),
            ReportTable(
                t("Indicators beside the nation and peers"),
                columns,
                rows,
                ids=_name_gap_ids(scope),
                is_annexed=True,
            ),
        ],
    )


def _name_gap_ids(scope: ReportScope) -> str:
    """Return the line with the ids of scores and of differences from the nation."""
    code = scope.say("ids", "indicator")
    return scope.name_ids(
        scope.figure_id(SCORE, indicator=code),
        scope.figure_id(gap_measure("nation"), indicator=code),
    )


def _describe_rows(scope: ReportScope, gaps: TableSlice) -> dict[str, str]:
    """Return (indicator -> difference and verdict in words) of `gaps`, where it may be shown."""
    described = {}
    roles = classify_differences(gaps)
    for row, (code, role) in enumerate(zip(gaps.texts("indicator"), roles, strict=True)):
        if role in GAP_CASES:
            figure = difference_of(code, gaps, row).figure
            verdict = scope.say_verdict(GAP_CASES, role, figure)
            described[code] = f"{format_signed(figure.estimate)} {verdict}"
    return described


def _count_roles(scope: ReportScope, gaps: TableSlice) -> str:
    """Return a sentence on how many indicators differ significantly from the nation."""
    counted = Counter(
        choose_case(GAP_CASES, role, difference_of(role, gaps, row).figure)
        for row, role in enumerate(classify_differences(gaps))
        if role in GAP_CASES
    )
    return scope.say(
        "tree",
        "counts",
        total=str(counted.total()),
        higher=str(counted[GAP_CASES[HIGHER]]),
        lower=str(counted[GAP_CASES[LOWER]]),
        alone=str(counted[ALONE]),
        none=str(counted[GAP_CASES[UNCLEAR]]),
        reference=scope.context.t("the nation"),
    )


def build_strengths(scope: ReportScope) -> ReportSection | None:
    """Build the section on a city's largest significant differences from the nation; else None."""
    if scope.kind is not ReportKind.CITY:
        return None
    t, above, below = scope.context.t, scope.above, scope.below
    listed = (*above[:_LISTED], *below[:_LISTED][::-1])
    figures = scope.own_figures([code for code, _ in listed])
    rows = [_build_gap_row(scope, code, gap, figures[code, EVERYONE]) for code, gap in listed]
    columns = (
        Column(t("Indicator"), 4),
        Column(scope.name, 1.4, is_number=True),
        Column(scope.context.names.area(NATION), 1.4, is_number=True),
        *scope.figure_columns(t("Difference"), 1.4, 2.6),
        Column(t("Verdict"), 1.7),
    )
    title, ids = t("Largest clear differences from the nation"), _name_gap_ids(scope)
    tables = [ReportTable(title, columns, tuple(rows), ids=ids)] if rows else []
    return scope.section("strengths", tables)


def describe_strengths(scope: ReportScope) -> list[str]:
    """Return sentences on where a city is clearly above and below the nation; none for others."""
    if scope.kind is not ReportKind.CITY or not scope.context.lowest_codes:
        return []
    ways = (("above", scope.above), ("below", scope.below))
    return [_list_or_none(scope, pairs, way) for way, pairs in ways]


def _list_or_none(
    scope: ReportScope, pairs: Sequence[tuple[str, EstimateDifference]], way: str
) -> str:
    if not pairs:
        return scope.say("strengths", f"none_{way}")
    return scope.say("strengths", way, list=scope.list_differences(pairs, way))


def _build_gap_row(
    scope: ReportScope, code: str, gap: EstimateDifference, own: Estimate
) -> tuple[str, ...]:
    return (
        scope.context.names.numbered(code),
        format_score(gap.group),
        format_score(gap.reference),
        format_signed(gap.figure.estimate),
        scope.interval(gap.figure),
        *scope.write_precision(own),
        scope.say("verdict", "higher" if gap.is_higher else "lower"),
    )


def build_leaders(scope: ReportScope) -> ReportSection | None:
    """Build the section on the peers that score significantly above a city in some indicator.

    None where the reader sees no other city of the size by name.
    """
    if scope.kind is not ReportKind.CITY or scope.context.results.method.ranking is None:
        return None
    t = scope.context.t
    shown, peers = _read_peer_cells(scope)
    cells = shown.keep(shown.shown).descending("estimate")
    if set(cells.texts("area")) <= {scope.area}:
        return None
    rows = [row for code in scope.upper_codes if (row := _build_leader_row(scope, cells, code))]
    if not rows:
        return scope.section("leaders", [Paragraph(scope.say("leaders", "none", peers=peers))])
    columns = (
        Column(t("Indicator"), 3.5),
        Column(scope.name, 1.3, is_number=True),
        Column(t("Cities clearly above, with their scores"), 6),
    )
    table = ReportTable(t("Leading cities by indicator"), columns, tuple(rows))
    return scope.section("leaders", [Paragraph(scope.say("leaders", "some", peers=peers)), table])


def _read_peer_cells(scope: ReportScope) -> tuple[TableSlice, str]:
    """Return the scores of a city and its peers, and the words for these peers."""
    context = scope.context
    cells = context.cells(area_level="city", indicator=scope.upper_codes)
    chosen = list_shown_peers(context, scope.peers)
    if chosen:
        return cells.among("area", (scope.area, *chosen)), context.t(CHOSEN_REFERENCE)
    tier = find_reference_area(context, scope.area, _PEERS)[1]
    within = context.cities_within(cells.texts("area"), size_tier=tier)
    return cells.keep(within), context.names.area(tier)


def _build_leader_row(scope: ReportScope, cells: TableSlice, code: str) -> tuple[str, ...] | None:
    """Return the row of indicator `code`: first cities significantly above this one; else None."""
    pairs = scope.context.significant_pairs(code)
    rows = cells.where("indicator", code)
    scores = dict(zip(rows.texts("area"), rows.numbers("estimate"), strict=True))
    above = [city for city in scores if (city, scope.area) in pairs]
    if scope.area not in scores or not above:
        return None
    named = [f"{scope.context.names.area(city)} {format_score(scores[city])}" for city in above]
    return (
        scope.context.names.numbered(code),
        format_score(scores[scope.area]),
        join_list(named[:_LEADERS], scope.language),
    )
