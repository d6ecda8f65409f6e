"""View of a crosstab: one question by the groups of one area, in a table and a sentence."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.access.roles import NATION, Action
from survey.figures.charts.interval_charts import HIGHER, LOWER, UNCLEAR
from survey.figures.charts.marks import HIDDEN_ROLE
from survey.figures.views.chart_panels import ChartHeading, percent_title, score_title, subtitle
from survey.figures.views.chart_rows import (
    Rows,
    classify_differences,
    counts,
    ranges,
    ranges_of,
    verdict_texts,
)
from survey.figures.views.interval_table import (
    SIGNS,
    IntervalTable,
    build_interval_table,
    draw_interval_bars,
)
from survey.figures.views.table_slice import Floats, TableSlice
from survey.figures.views.view_context import ViewContext
from survey.locale import label_text, msg
from survey.locale.figures import format_count, format_score, format_signed
from survey.results.analysis import UNTESTED
from survey.results.method_sheets import ASSOCIATION, NOT_COMPUTED, OBSTACLE, OBSTACLE_SENTENCES
from survey.results.peer_differences import (
    CrosstabQuestion,
    compare_groups,
    groups_of,
    list_crosstab_questions,
    list_group_variables,
)

CROSSTAB_AREA_LEVELS = ("nation", "province", "city")
_MAX_NAMED = 3
_NOTE = msg(
    "Each group is compared with everybody else in the area who answered. All rows of the table "
    "are judged together: of the differences called clear, at most 5%\u00a0are expected to be "
    "chance. "
    "Groups of one variable are offered, never of two at once: a table of two could give away, "
    "together with the others, what a few people answered."
)


@dataclass(frozen=True)
class CrosstabFilters:
    """Choices of a crosstab: question, variable of the groups, and area."""

    question: str
    variable: str
    area: str


@dataclass(frozen=True, eq=False)
class CrosstabView:
    question: str
    sentence: str
    """What can be told apart in the table, and what cannot."""
    test: str
    """Whether the answers differ between the groups as a whole; empty where nothing was tested."""
    table: IntervalTable


def question_choices(context: ViewContext) -> dict[str, str]:
    """Return the words of each question that has a crosstab, by its key."""
    return {
        question.key: _describe_question(context, question)
        for question in list_crosstab_questions(context.results)
    }


def variable_choices(context: ViewContext) -> dict[str, str]:
    """Return the name of each variable whose values are groups of the wave, by its key."""
    return {
        variable: _describe_variable(context, variable)
        for variable in list_group_variables(context.results)
    }


def find_telling_pair(context: ViewContext) -> tuple[str, str] | None:
    """Return the rated question and the variable with the surest difference in the nation, if any.

    It is the pair whose difference from everybody else lies furthest from zero at the near end of
    its interval, among those that the wave calls clear.
    """
    rated = [q for q in list_crosstab_questions(context.results) if not q.is_rate]
    key_of = {indicator: q.key for q in rated for indicator in q.indicators}
    variables = list_group_variables(context.results)
    groups = [group for variable in variables for group in groups_of(context.results, variable)]
    gaps = context.gaps("rest", area_level="nation", group=groups, indicator=list(key_of))
    is_clear = np.isin(classify_differences(gaps), [HIGHER, LOWER])
    if not is_clear.any():
        return None
    near = np.minimum(np.abs(gaps.numbers("ci_low")), np.abs(gaps.numbers("ci_high")))
    row = int(np.nanargmax(np.where(is_clear, near, np.nan)))
    return key_of[gaps.texts("indicator")[row]], gaps.texts("group")[row].partition("=")[0]


def build_crosstab(context: ViewContext, *, filters: CrosstabFilters) -> CrosstabView:
    """Build the table of one question by the groups of one variable in one area.

    Raises:
        AccessDeniedError: a city outside the reader's area before the wave is released.
    """
    t = context.t
    question = next(
        q for q in list_crosstab_questions(context.results) if q.key == filters.question
    )
    groups = groups_of(context.results, filters.variable)
    level, area = _find_area(context, filters.area)
    cells = context.cells(area_level=level, area=area, group=groups, indicator=question.indicators)
    gaps = TableSlice(
        compare_groups(
            context.results,
            context.principal,
            area_level=level,
            area=area,
            groups=groups,
            indicators=question.indicators,
        )
    )
    rows = _order_rows(cells, gaps, question.indicators, groups)
    labels = [
        _format_row_label(context, question, indicator, group)
        for indicator, group in zip(
            rows.cells.texts("indicator"), rows.cells.texts("group"), strict=True
        )
    ]
    title = t(
        "{question} By {variable}, {area}",
        question=_describe_question(context, question),
        variable=_describe_variable(context, filters.variable),
        area=context.names.area(area),
    )
    heading = ChartHeading("crosstab", title, t("Answer and group"), t(_NOTE))
    everyone = context.cells(area_level=level, area=area, indicator=question.indicators)
    unit = percent_title(t) if question.is_rate else score_title(t)
    return CrosstabView(
        question=_describe_question(context, question),
        sentence=_describe_clear_rows(context, rows, labels, context.names.area(area)),
        test=_describe_test(context, question, filters.variable, level),
        table=_build_crosstab_table(context, heading, rows, labels, unit, everyone.max_value("n")),
    )


@dataclass(frozen=True, eq=False)
class _CrosstabRows:
    """Estimates of groups, their differences from the rest, and significance verdicts, by row."""

    cells: TableSlice
    difference: Floats
    low: Floats
    high: Floats
    roles: tuple[str, ...]
    """Hidden, or the verdict on the difference."""
    is_tested: tuple[bool, ...]


def _order_rows(
    cells: TableSlice, gaps: TableSlice, indicators: Sequence[str], groups: Sequence[str]
) -> _CrosstabRows:
    """Return cells and differences in the order of `indicators`, then `groups`, with verdicts."""
    place = {
        pair: row
        for row, pair in enumerate(zip(cells.texts("indicator"), cells.texts("group"), strict=True))
    }
    pairs = [(i, g) for i in indicators for g in groups if (i, g) in place]
    ordered = cells.take([place[pair] for pair in pairs])
    row_of = {
        pair: row
        for row, pair in enumerate(zip(gaps.texts("indicator"), gaps.texts("group"), strict=True))
    }
    at = [row_of.get(pair, -1) for pair in pairs]
    verdicts = [*classify_differences(gaps), HIDDEN_ROLE]
    tested = [*(verdict != UNTESTED for verdict in gaps.texts("verdict")), False]
    absent = ~ordered.shown | np.isnan(ordered.numbers("estimate"))
    difference, low, high = (
        np.append(gaps.numbers(name), np.nan)[at] for name in ("difference", "ci_low", "ci_high")
    )
    return _CrosstabRows(
        ordered,
        difference,
        low,
        high,
        tuple(
            HIDDEN_ROLE if gone else (verdicts[row] if tested[row] else UNCLEAR)
            for gone, row in zip(absent, at, strict=True)
        ),
        tuple(tested[row] for row in at),
    )


def _find_area(context: ViewContext, asked: str) -> tuple[str, str]:
    """Return level and code of the area asked for, or the nation for an unknown one."""
    cells = context.cells(
        area_level=CROSSTAB_AREA_LEVELS, area=asked, indicator=context.area_indicator
    )
    if len(cells):
        return cells.texts("area_level")[0], asked
    context.principal.require(Action.READ_RESULTS, asked)
    return "nation", NATION


def _describe_question(context: ViewContext, question: CrosstabQuestion) -> str:
    """Return the text of a question, or the names of its measures where it has none."""
    names = [context.names.indicator(indicator) for indicator in question.indicators]
    if question.label:
        return label_text(question.label, context.language, names[0])
    return names[0] if len(names) == 1 else context.t(", ").join(names)


def _describe_variable(context: ViewContext, variable: str) -> str:
    """Return the name of a variable; without one, that of its only group."""
    groups = groups_of(context.results, variable)
    name = context.names.variable(variable)
    if name == variable and len(groups) == 1:
        name = context.names.group(groups[0])
    return name[:1].upper() + name[1:]


def _format_row_label(
    context: ViewContext, question: CrosstabQuestion, indicator: str, group: str
) -> str:
    name = context.names.group(group)
    if len(question.indicators) == 1:
        return name
    answer = context.names.indicator(indicator)
    asked = label_text(question.label, context.language) if question.label else ""
    return f"{answer.removeprefix(f'{asked}: ')} · {name}"


def _build_crosstab_table(
    context: ViewContext,
    heading: ChartHeading,
    rows: _CrosstabRows,
    labels: Sequence[str],
    unit: str,
    n: float | None,
) -> IntervalTable:
    t, cells = context.t, rows.cells
    estimate, words = cells.numbers("estimate"), verdict_texts(t)
    against = [
        "" if role == HIDDEN_ROLE else (_format_difference(difference, role) if tested else "–")
        for role, tested, difference in zip(
            rows.roles, rows.is_tested, rows.difference, strict=True
        )
    ]
    columns: Rows = {
        heading.rows: list(labels),
        unit: estimate,
        t("95%\u00a0interval"): ranges(cells, t),
        t("Against the rest"): against,
        t("95%\u00a0interval of the difference"): ranges_of(rows.low, rows.high, t),
        "n": counts(cells.numbers("n")),
    }
    downloaded: Rows = {
        heading.rows: list(labels),
        unit: estimate,
        t("95%\u00a0from"): cells.numbers("ci_low"),
        t("95%\u00a0to"): cells.numbers("ci_high"),
        t("Difference from the rest"): rows.difference,
        t("Difference, 95%\u00a0from"): rows.low,
        t("Difference, 95%\u00a0to"): rows.high,
        t("Verdict"): [
            words[role] if tested else ""
            for role, tested in zip(rows.roles, rows.is_tested, strict=True)
        ],
        "n": counts(cells.numbers("n")),
    }
    ends = cells.numbers("ci_low"), estimate, cells.numbers("ci_high")
    return build_interval_table(
        heading,
        subtitle(context, unit, n),
        [f"{i}/{g}" for i, g in zip(cells.texts("indicator"), cells.texts("group"), strict=True)],
        columns,
        (t("Figure with interval"), draw_interval_bars(*ends, rows.roles, origin=None)),
        downloaded,
        visible=[role != HIDDEN_ROLE for role in rows.roles],
        is_signed=False,
    )


def _describe_test(
    context: ViewContext, question: CrosstabQuestion, variable: str, level: str
) -> str:
    """Return what the Rao-Scott test says of the table; of several answers, one after the other."""
    t = context.t
    sheet = context.results.sheet(context.principal, ASSOCIATION, area=NATION)
    if not (sheet["item"].astype(str) != "").any():
        # The table is there whole: that an older wave has no test is not worth a sentence.
        reasons = [code for code in sheet[OBSTACLE].astype(str) if code != NOT_COMPUTED]
        return t(OBSTACLE_SENTENCES[reasons[0]]) if reasons else ""
    if level != "nation":
        return t("Whether the answers differ between all groups is tested for the nation only.")
    rows = sheet[sheet["item"].astype(str) == f"{question.key}:{variable}"].to_dict("records")
    if not rows:
        return ""
    sentences = [_format_test(context, row) for row in rows]
    if len(rows) == 1:
        return sentences[0]
    told = [
        t("{answer}: {sentence}", answer=context.names.indicator(str(row["indicator"])),
          sentence=sentence)
        for row, sentence in zip(rows, sentences, strict=True)
    ]  # fmt: skip
    note = t("P is adjusted over these answers (Benjamini and Hochberg).")
    return " ".join([*told, note])


def _format_test(context: ViewContext, row: Mapping[Hashable, Any]) -> str:
    t = context.t
    if not row["shown"]:
        return t("The test is not given, because a figure of the table is not shown.")
    if row[OBSTACLE]:
        return t(OBSTACLE_SENTENCES[row[OBSTACLE]])
    p = format_score(row["p_value"], 3)
    words = {
        "p": "< 0.001" if p == "0.000" else f"= {p}",
        "f": format_score(row["f"], 2),
        "df": format_score(row["f_df"]),
        "points": format_count(row["f_df_points"]),
        "n": format_count(row["n"]),
    }
    if row["verdict"] == "differs":
        return t(
            "The answers differ between the groups (Rao–Scott test p {p}; F = {f}, degrees of "
            "freedom {df} and {points}, n = {n}).",
            **words,
        )
    return t(
        "No difference of the answers between the groups can be detected (Rao–Scott test p {p}; "
        "F = {f}, degrees of freedom {df} and {points}, n = {n}).",
        **words,
    )


def _format_difference(difference: float, role: str) -> str:
    return f"{SIGNS[role]} {format_signed(difference)}"


def _describe_clear_rows(
    context: ViewContext, rows: _CrosstabRows, labels: Sequence[str], area: str
) -> str:
    """Return how many groups of an area differ significantly from the rest, naming the largest."""
    t, tested = context.t, sum(rows.is_tested)
    if not tested:
        return t("Nothing in this table can be compared.")
    clear = [row for row, role in enumerate(rows.roles) if role in {HIGHER, LOWER}]
    if not clear:
        return t(
            "In {area} no group differs detectably from the rest; what looks different in the "
            "table may be chance ({count} comparisons judged together).",
            area=area,
            count=tested,
        )
    clear.sort(key=lambda row: -abs(rows.difference[row]))
    named = t("; ").join(
        f"{labels[row]} {_format_difference(rows.difference[row], rows.roles[row])}"
        for row in clear[:_MAX_NAMED]
    )
    words = {"area": area, "count": tested, "named": named}
    if len(clear) == tested:
        return t(
            "In {area} all {count} comparisons with the rest are clear, the largest: {named}.",
            **words,
        )
    return t(
        "In {area} {clear} of {count} comparisons with the rest are clear, the largest: {named}. "
        "The others cannot be told apart: a difference there may be chance.",
        clear=len(clear),
        **words,
    )
