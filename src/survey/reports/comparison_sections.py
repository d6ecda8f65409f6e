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
    estimate_at,
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
    ReportTable,
    Section,
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


def build_tree(scope: ReportScope) -> Section | None:
    """Build the indicators of the area: a city beside the nation and its peers."""
    if scope.kind is ReportKind.CITY:
        return _build_city_tree(scope)
    reading, t = scope.reading, scope.reading.t
    cells = reading.cells(area_level=scope.level, area=scope.area, indicator=scope.upper_codes)
    cells = cells.in_order("indicator", scope.upper_codes)
    rows = []
    for row, code in enumerate(cells.texts("indicator")):
        figure = estimate_at(cells, row=row)
        if figure.available:
            name = reading.names.numbered(code)
            shown = format_score(figure.estimate), scope.interval(figure)
            rows.append((name, *shown, *scope.write_precision(figure)))
    columns = (
        Column(t("Indicator"), 5),
        Column(t("Score"), 1.5, is_number=True),
        Column(t("95%\u00a0interval"), 3, is_number=True),
        *scope.precision_columns(),
    )
    note = scope.name_ids(scope.figure_id(SCORE, indicator=scope.say("ids", "indicator")))
    blocks: list[Block] = [Paragraph(scope.say("tree", "scores"))]
    if scope.kind is ReportKind.NATION:
        panel = build_overview_indicators(
            results=reading.results,
            principal=reading.principal,
            language=scope.language,
            basis=DOMAIN,
        )
        blocks.append(ReportChart(panel))
    blocks.append(ReportTable(t("Scores by indicator"), columns, tuple(rows), note))
    return scope.section("tree", blocks) if rows else None


def _build_city_tree(scope: ReportScope) -> Section | None:
    reading, t, codes = scope.reading, scope.reading.t, scope.upper_codes
    nation = reading.gaps("nation", area_level="city", area=scope.area, indicator=codes)
    nation = nation.in_order("indicator", codes)
    against = CHOSEN if scope.peers else _PEERS
    peers = find_reference(reading, scope.area, against, scope.peers, codes)
    roles = classify_differences(nation)
    peer_words = _describe_rows(scope, peers.gaps)
    figures, names = scope.own_figures(codes), reading.names
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
        Column(t("Difference"), 1.3, is_number=True),
        Column(t("95%\u00a0interval"), 2.2, is_number=True),
        *scope.precision_columns(),
        Column(t("Verdict"), 1.7),
        Column(t("Against {peers}", peers=peers.name), 2.6),
    )
    panel = build_city_indicators(
        results=reading.results,
        principal=reading.principal,
        language=scope.language,
        city=scope.area,
        against="nation",
    )
    return scope.section(
        "tree",
        [
            Paragraph(_count_roles(scope, nation)),
            ReportChart(panel),
            ReportTable(
                t("Indicators beside the nation and peers"), columns, rows, _name_gap_ids(scope)
            ),
        ],
    )


def _name_gap_ids(scope: ReportScope) -> str:
    """Return the note on the ids of scores and of differences from the nation."""
    code = scope.say("ids", "indicator")
    return scope.name_ids(
        scope.figure_id(SCORE, indicator=code),
        scope.figure_id(gap_measure("nation"), indicator=code),
    )


def _describe_rows(scope: ReportScope, gaps: TableSlice) -> dict[str, str]:
    """Return difference and verdict by indicator, of those that may be shown."""
    described = {}
    roles = classify_differences(gaps)
    for row, (code, role) in enumerate(zip(gaps.texts("indicator"), roles, strict=True)):
        if role in GAP_CASES:
            figure = difference_of(code, gaps, row).figure
            verdict = scope.say_verdict(GAP_CASES, role, figure)
            described[code] = f"{format_signed(figure.estimate)} {verdict}"
    return described


def _count_roles(scope: ReportScope, gaps: TableSlice) -> str:
    """Return how many indicators of a city differ clearly from the nation."""
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
        reference=scope.reading.t("the nation"),
    )


def build_strengths(scope: ReportScope) -> Section | None:
    """Build what lies farthest above and below the nation, clear differences only."""
    if scope.kind is not ReportKind.CITY or not scope.reading.lowest_codes:
        return None
    t, above, below = scope.reading.t, scope.above, scope.below
    lines = [_list_or_none(scope, above, "above"), _list_or_none(scope, below, "below")]
    listed = (*above[:_LISTED], *below[:_LISTED][::-1])
    figures = scope.own_figures([code for code, _ in listed])
    rows = [_build_gap_row(scope, code, gap, figures[code, EVERYONE]) for code, gap in listed]
    columns = (
        Column(t("Indicator"), 4),
        Column(scope.name, 1.4, is_number=True),
        Column(scope.reading.names.area(NATION), 1.4, is_number=True),
        Column(t("Difference"), 1.4, is_number=True),
        Column(t("95%\u00a0interval"), 2.6, is_number=True),
        *scope.precision_columns(),
        Column(t("Verdict"), 1.7),
    )
    blocks: list[Block] = [Paragraph(line) for line in lines]
    if rows:
        blocks.append(
            ReportTable(
                t("Largest clear differences from the nation"),
                columns,
                tuple(rows),
                _name_gap_ids(scope),
            )
        )
    return scope.section("strengths", blocks)


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
        scope.reading.names.numbered(code),
        format_score(gap.group),
        format_score(gap.reference),
        format_signed(gap.figure.estimate),
        scope.interval(gap.figure),
        *scope.write_precision(own),
        scope.say("verdict", "higher" if gap.is_higher else "lower"),
    )


def build_leaders(scope: ReportScope) -> Section | None:
    """Build in what cities of the same size surely lie above this one.

    None where the reader sees no other city of the size by name.
    """
    if scope.kind is not ReportKind.CITY or scope.reading.results.method.ranking is None:
        return None
    t = scope.reading.t
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
    """Return the scores of the city and of its peers, and what the peers are called."""
    reading = scope.reading
    cells = reading.cells(area_level="city", indicator=scope.upper_codes)
    chosen = list_shown_peers(reading, scope.peers)
    if chosen:
        return cells.among("area", (scope.area, *chosen)), reading.t(CHOSEN_REFERENCE)
    tier = find_reference_area(reading, scope.area, _PEERS)[1]
    within = reading.cities_within(cells.texts("area"), size_tier=tier)
    return cells.keep(within), reading.names.area(tier)


def _build_leader_row(scope: ReportScope, cells: TableSlice, code: str) -> tuple[str, ...] | None:
    """Return the first cities that lie surely above in an indicator; None where none does."""
    pairs = scope.reading.significant_pairs(code)
    rows = cells.where("indicator", code)
    scores = dict(zip(rows.texts("area"), rows.numbers("estimate"), strict=True))
    above = [city for city in scores if (city, scope.area) in pairs]
    if scope.area not in scores or not above:
        return None
    named = [f"{scope.reading.names.area(city)} {format_score(scores[city])}" for city in above]
    return (
        scope.reading.names.numbered(code),
        format_score(scores[scope.area]),
        join_list(named[:_LEADERS], scope.language),
    )
