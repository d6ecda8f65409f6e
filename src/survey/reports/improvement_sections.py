"""Sections on what to do: priorities, and a list of problems to fill in and follow up."""

from collections.abc import Sequence

from survey.figures.charts.interval_charts import LOWER
from survey.figures.figure_table import AGREEMENT, IMPORTANCE, SCORE
from survey.figures.views.chart_rows import classify_differences
from survey.figures.views.drivers import Priority, list_city_priorities
from survey.figures.views.estimate_text import WITHHELD, difference_of
from survey.figures.views.trends import find_code_in
from survey.figures.views.view_context import ViewContext
from survey.frame.quotas import EVERYONE
from survey.locale import SurveyError, Translator
from survey.locale.figures import format_score, format_signed
from survey.rectification.cited_evidence import describe_day
from survey.rectification.problem_records import (
    BASIS_NAMES,
    EDITABLE_STATES,
    STATE_NAMES,
    ProblemRecord,
)
from survey.rectification.remeasurement import compare_figures
from survey.reports.contents import (
    Block,
    Column,
    Paragraph,
    ReportChart,
    ReportKind,
    ReportSection,
    ReportTable,
)
from survey.reports.people_sections import lies_in, read_group_gaps
from survey.reports.pictures import join_list
from survey.reports.result_sections import build_change_table
from survey.reports.scope import MAX_NAMED, ReportScope
from survey.store.china_time import china_date, format_day

_HALF = 50.0
_BLANK = ""


def build_priorities(scope: ReportScope) -> ReportSection | None:
    """Build the section on what to improve first; None for a province, which has no such list."""
    if scope.kind is ReportKind.PROVINCE:
        return None
    view, t = scope.drivers, scope.context.t
    if view.matrix is None:
        return scope.section("priorities", [Paragraph(view.sentence)])
    lines = [describe_priorities(scope), describe_certainty(scope)]
    lines.append(scope.say("priorities", "meaning"))
    blocks: list[Block] = [Paragraph(line) for line in lines if line]
    blocks.append(ReportChart(view.matrix))
    if view.priorities:
        columns = (
            Column(t("Indicator"), 3.6),
            Column(t("Influence (%)"), 1.5, is_number=True),
            Column(t("95%\u00a0interval"), 2.4, is_number=True),
            *scope.figure_columns(t("Score"), 1.4, 2.4),
            Column(t("Among the first three in (%)"), 2, is_number=True),
        )
        rows = tuple(_build_priority_row(scope, priority) for priority in view.priorities)
        share, code = view.set_agreement, scope.say("ids", "indicator")
        note = scope.say("priorities", "together", share=format_score(share)) if share else ""
        measures = (IMPORTANCE, SCORE, AGREEMENT)
        ids = scope.name_ids(*(scope.figure_id(each, indicator=code) for each in measures))
        title = t("First to improve")
        blocks.append(ReportTable(title, columns, rows, note, ids, is_annexed=True))
    return scope.section("priorities", blocks)


def describe_priorities(scope: ReportScope) -> str:
    """Return a sentence on what to improve first, with importance and score of each indicator."""
    priorities = scope.drivers.priorities
    if not priorities:
        return scope.say("priorities", "none")
    items = [
        scope.say(
            "priorities",
            "item",
            name=priority.name,
            weight=format_score(priority.importance.estimate),
            score=format_score(priority.performance.estimate),
        )
        for priority in priorities
    ]
    return scope.say("priorities", "some", list=join_list(items, scope.language, long=True))


def describe_certainty(scope: ReportScope) -> str:
    """Return a sentence on how often resamples give the same priorities; empty where unknown."""
    share = scope.drivers.set_agreement
    if share is None:
        return ""
    case = "steady" if share >= _HALF else "unsteady"
    return scope.say("priorities", case, share=format_score(share))


def _build_priority_row(scope: ReportScope, priority: Priority) -> tuple[str, ...]:
    own = scope.own_figures([priority.code])[priority.code, EVERYONE]
    return (
        scope.context.names.numbered(priority.code),
        format_score(priority.importance.estimate),
        scope.interval(priority.importance),
        format_score(priority.performance.estimate),
        scope.interval(priority.performance),
        *scope.write_precision(own),
        format_score(priority.agreement),
    )


def build_actions(scope: ReportScope) -> ReportSection | None:
    """Build the section of the letter with three things to do: for whom, by whom, by when.

    They are the first of the list that the city keeps that are not put right yet; without a list,
    the first that the results propose, with room for who and when; for a province, its cities
    furthest below the nation.
    """
    t, kept = scope.context.t, scope.problems_of(scope.context.results)
    if kept:
        rows = [
            (
                "\n".join(filter(None, (problem.wording, problem.measure))),
                t(BASIS_NAMES[problem.basis]),
                _name_concerned(scope, problem.indicator, problem.group),
                problem.unit,
                format_day(t, problem.deadline) if problem.deadline else _BLANK,
            )
            for problem in kept
            if problem.state in EDITABLE_STATES
        ]
    elif scope.kind is ReportKind.PROVINCE:
        rows = [(scope.say("actions", "city", name=name), why, t("All consumers"), _BLANK, _BLANK)
                for name, why in _list_cities_below(scope)]  # fmt: skip
    else:
        rows = [
            (
                scope.say("actions", "indicator", name=scope.context.names.indicator(code)),
                why,
                _name_concerned(scope, code),
                _BLANK,
                _BLANK,
            )
            for code, why in _list_proposed(scope)
        ]
    if not rows:
        return scope.section("actions", [Paragraph(scope.say("problems", "none"))])
    columns = (
        Column(t("What"), 3),
        Column(t("Why it is listed"), 4.4),
        Column(t("For whom"), 2),
        Column(t("Responsible unit"), 2.2),
        Column(t("Deadline"), 1.8),
    )
    title = t("To be decided")
    lead = Paragraph(scope.say("actions", "kept" if kept else "proposed"))
    return scope.section("actions", [lead, ReportTable(title, columns, tuple(rows[:MAX_NAMED]))])


def _list_cities_below(scope: ReportScope) -> list[tuple[str, str]]:
    """Return (name, reason) of the area's cities clearly below the nation, the furthest first."""
    gaps = scope.context.gaps("nation", area_level="city", indicator=scope.main)
    below = [
        (gap.figure.estimate or 0.0, gap.name)
        for row, code in enumerate(gaps.texts("area"))
        if lies_in(scope, code)
        and (gap := difference_of(scope.context.names.area(code), gaps, row)).is_clear
        and not gap.is_higher
    ]
    return [
        (name, scope.say("problems", "difference", difference=format_signed(size)))
        for size, name in sorted(below)
    ]


def _name_concerned(scope: ReportScope, code: str, group: str = "") -> str:
    """Return the special groups that score an indicator clearly lower; else everybody."""
    names, gaps = scope.context.names, read_group_gaps(scope, code)
    lower = [
        each
        for each, role in zip(gaps.texts("group"), classify_differences(gaps), strict=True)
        if role == LOWER
    ]
    concerned = [group] if group not in ("", EVERYONE) else lower
    if not concerned:
        return scope.context.t("All consumers")
    return join_list([names.group(each) for each in concerned], scope.language)


def build_problems(scope: ReportScope) -> ReportSection | None:
    """Build the section on an area's problem list and how last wave's problems changed.

    The list is the one that the city keeps; without one, what the results propose, with columns to
    fill in.
    """
    if scope.kind is ReportKind.PROVINCE:
        return None
    blocks = _build_kept_list(scope) or _build_proposed_list(scope)
    past = scope.problems_of(scope.before)
    again, case = _build_remeasured_list(scope, past), "listed"
    beside = _build_later_figures(scope, past)
    if again is None and beside is None:
        again, case = _build_remeasured_priorities(scope), "past"
    tables = [each for each in (again, beside) if each is not None]
    if tables and scope.before is not None:
        year = str(scope.before.wave.year)
        blocks += [Paragraph(scope.say("problems", case, year=year)), *tables]
    return scope.section("problems", blocks)


def _build_kept_list(scope: ReportScope) -> list[Block]:
    """Return the blocks of the problem list that the city keeps; empty if it has no problem."""
    t, problems = scope.context.t, scope.problems_of(scope.context.results)
    if not problems:
        return []
    columns = (*_list_columns(t), Column(t("State"), 1.6))
    rows = tuple(
        (
            str(number),
            problem.wording,
            scope.cited.name(problem.figure, t)
            if problem.reference
            else t(BASIS_NAMES[problem.basis]),
            problem.unit,
            problem.measure,
            format_day(t, problem.deadline) if problem.deadline else "",
            t(STATE_NAMES[problem.state]),
        )
        for number, problem in enumerate(problems, start=1)
    )
    note = t("As of {day}", day=_find_last_change(scope, problems))
    table = ReportTable(t("List of problems"), columns, rows, note)
    return [Paragraph(scope.say("problems", "kept")), table, *_list_cited_figures(scope, problems)]


def _list_columns(t: Translator) -> tuple[Column, ...]:
    return (
        Column(t("No."), 0.7, is_number=True),
        Column(t("Problem"), 3.2),
        Column(t("Why it is listed"), 2.4),
        Column(t("Responsible unit"), 2),
        Column(t("Measure to take"), 2.8),
        Column(t("Deadline"), 1.9),
    )


def _list_cited_figures(scope: ReportScope, problems: Sequence[ProblemRecord]) -> list[Block]:
    """Return a list of one table of figures cited by the problems' evidence; empty if none."""
    t = scope.context.t
    rows = tuple(
        (str(number), given.statement, figure.title, figure.figure, describe_day(figure, t))
        for number, problem in enumerate(problems, start=1)
        for given in problem.evidence
        if (figure := scope.cited.shown.get(given.key)) is not None
    )
    if not rows:
        return []
    columns = (
        Column(t("No."), 0.7, is_number=True),
        Column(t("Evidence"), 2.8),
        Column(t("Cites"), 3.2),
        Column(t("Published figure"), 4.4),
        Column(t("Data as of"), 2.2),
    )
    note = scope.say("problems", "cited")
    return [ReportTable(t("Evidence from beside the score"), columns, rows, note)]


def _find_last_change(scope: ReportScope, problems: Sequence[ProblemRecord]) -> str:
    """Return the day on which a list of problems was last changed, in the reader's language."""
    last = max(problem.changed_at for problem in problems)
    return format_day(scope.context.t, china_date(last))


def _build_proposed_list(scope: ReportScope) -> list[Block]:
    """Return the problems that the results suggest, to fill in; empty if the letter has them."""
    t = scope.context.t
    rows = [
        (str(number), scope.context.names.numbered(code), why, _BLANK, _BLANK, _BLANK)
        for number, (code, why) in enumerate(_list_proposed(scope), start=1)
    ]
    if len(rows) <= MAX_NAMED:
        return []
    table = ReportTable(t("List of problems"), _list_columns(t), tuple(rows))
    return [Paragraph(scope.say("problems", "table")), table]


def _build_remeasured_list(scope: ReportScope, past: Sequence[ProblemRecord]) -> ReportTable | None:
    """Return the kept list of the wave before with each figure's change; None without one."""
    problems = [each for each in past if not each.reference]
    if not problems or scope.before is None:
        return None
    t = scope.context.t
    figures = [each.figure for each in problems]
    again = compare_figures(scope.context, scope.before, scope.area, figures)
    columns = (
        Column(t("Problem"), 3.4),
        Column(t("Responsible unit"), 1.9),
        Column(t("State"), 1.7),
        Column(str(scope.before.wave.year), 1.2, is_number=True),
        Column(str(scope.context.wave.year), 1.2, is_number=True),
        Column(t("Change"), 1.2, is_number=True),
        Column(t("95%\u00a0interval"), 2, is_number=True),
        Column(t("Problem is"), 1.8),
    )
    rows = tuple(
        (
            problem.wording,
            problem.unit,
            t(STATE_NAMES[problem.state]),
            format_score(again[figure].before.estimate),
            format_score(again[figure].after.estimate),
            format_signed(again[figure].change.estimate),
            scope.interval(again[figure].change),
            scope.say("problems", again[figure].trend.value),
        )
        for problem, figure in zip(problems, figures, strict=True)
    )
    notes = [t("As of {day}", day=_find_last_change(scope, problems))]
    # Why a figure is hidden is nowhere said in a report.
    reasons = (each.reason for each in again.values() if each.reason != t(WITHHELD))
    notes += dict.fromkeys(reason for reason in reasons if reason)
    note = join_list(notes, scope.language, long=True)
    return ReportTable(t("Last problems measured again"), columns, rows, note)


def _build_later_figures(scope: ReportScope, past: Sequence[ProblemRecord]) -> ReportTable | None:
    """Return what their own series say of problems from beside the score; None without any."""
    t = scope.context.t
    rows = tuple(
        (
            problem.wording,
            t(STATE_NAMES[problem.state]),
            scope.cited.name(problem.figure, t),
            scope.cited.describe_later(problem.figure, t),
        )
        for problem in past
        if problem.reference
    )
    if not rows:
        return None
    columns = (
        Column(t("Problem"), 3.4),
        Column(t("State"), 1.7),
        Column(t("Rests on"), 3.6),
        Column(t("Measured since"), 5.6),
    )
    return ReportTable(t("Last problems from beside the score"), columns, rows)


def _list_proposed(scope: ReportScope) -> list[tuple[str, str]]:
    """Return (code, reason) of the priorities, then of others furthest below the nation."""
    first = {priority.code: priority for priority in scope.drivers.priorities}
    below, above = dict(scope.below[:MAX_NAMED]), dict(scope.above)
    rows: list[tuple[str, str]] = []
    for code in (*first, *(code for code in below if code not in first)):
        case = "both" if code in first and code in below else "priority" if code in first else "gap"
        if code in above:
            case = "strength"
        reasons = [scope.say("problems", case)]
        if code in first:
            weight = format_score(first[code].importance.estimate)
            reasons.append(scope.say("problems", "influence", weight=weight))
            score = format_score(first[code].performance.estimate)
            reasons.append(scope.say("problems", "score", score=score))
        if code in below:
            size = format_signed(below[code].figure.estimate)
            reasons.append(scope.say("problems", "difference", difference=size))
        why = join_list(reasons, scope.language, long=True)
        rows.append((code, why))
    return rows


def _build_remeasured_priorities(scope: ReportScope) -> ReportTable | None:
    """Return a table of changes in the previous wave's priorities; None without any."""
    if scope.before is None or scope.kind is not ReportKind.CITY:
        return None
    earlier = ViewContext(scope.before, scope.context.principal, scope.language)
    try:
        past, _ = list_city_priorities(earlier, scope.area)
    except SurveyError:
        return None
    now_of = {
        find_code_in(scope.before, scope.context.results, code): code
        for code in scope.context.lowest_codes
    }
    codes = [now_of[priority.code] for priority in past if priority.code in now_of]
    changes = scope.changes(codes)
    if changes is None:
        return None
    return build_change_table(scope, changes, scope.context.t("Last problems measured again"))
