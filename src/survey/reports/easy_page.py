"""Easy-to-read page of a city: what was asked, how it did, what that means, whom to ask.

Short sentences in everyday words, from the same figures behind the same gate as its report.
"""

from collections.abc import Sequence
from dataclasses import replace

from survey.figures.views.estimate_text import UNRELIABLE, EstimateDifference
from survey.locale.figures import format_count, format_score
from survey.reports.contents import Block, BulletList, Paragraph, Report, ReportEdition
from survey.reports.pictures import join_list
from survey.reports.report_builder import begin_report
from survey.reports.result_sections import describe_change, describe_difference
from survey.reports.scope import ReportScope, split_ties
from survey.results.domains import MAIN_SERIES, SHIPPED_SERIES

_HOTLINE_LINES = ("hotline", "method")


def build_easy_page(scope: ReportScope) -> Report:
    """Build the easy-to-read page of a city.

    Raises:
        AccessDeniedError: the role reads no results, or the area lies outside the reader's.
        RefusedError: the wave has no such area, or its score is not shown.
    """
    report = begin_report(scope)
    is_shipped = scope.context.wave.series in SHIPPED_SERIES
    built = (
        scope.section("easy_asked", [Paragraph(line) for line in _list_asked(scope)]),
        scope.section("easy_result", [Paragraph(line) for line in _list_result(scope)]),
        scope.section("easy_compared", [Paragraph(line) for line in _list_compared(scope)]),
        scope.section("easy_parts", _list_parts(scope)),
        scope.section("easy_meaning", [BulletList(_list_meaning(scope))]),
        scope.section("easy_ask", [Paragraph(line) for line in _list_contacts(scope, report)]),
    )
    return replace(
        report,
        title=scope.say("easy", "title" if is_shipped else "title_own", area=scope.name),
        interval=_write_range(scope, "between"),
        imprint=replace(report.imprint, snapshot="", figures=""),
        sections=tuple(section for section in built if section is not None),
        edition=ReportEdition.EASY,
    )


def _list_asked(scope: ReportScope) -> Sequence[str]:
    sample = scope.say("easy", "sample", area=scope.name, n=format_count(scope.figure.n))
    return (scope.say("easy", _choose_case(scope, "asked"), area=scope.name), sample)


def _choose_case(scope: ReportScope, case: str) -> str:
    """Return the case for the people whom the wave asked: everybody, some, or those of a study."""
    series = scope.context.wave.series
    if series == MAIN_SERIES:
        return case
    return f"{case}_{series}" if series in SHIPPED_SERIES else f"{case}_own"


def _list_result(scope: ReportScope) -> Sequence[str]:
    figure = scope.figure
    score = scope.say("easy", "score", area=scope.name, score=format_score(figure.estimate))
    known = _write_range(scope, "range")
    if not known:
        return (score, scope.say("easy", "no_range"))
    few = [scope.say("easy", "few")] if figure.status == UNRELIABLE else []
    return (score, known, scope.say("easy", "why_range"), *few)


def _write_range(scope: ReportScope, case: str) -> str:
    """Return between what scores the true one very likely lies; empty where that is not known."""
    low, high = scope.figure.low, scope.figure.high
    if low is None or high is None:
        return ""
    return scope.say("easy", case, low=format_score(low), high=format_score(high))


def _list_compared(scope: ReportScope) -> Sequence[str]:
    """Return whether the score rose or fell, and is above or below that of the nation."""
    lines = (describe_change(scope, "easy_change"), describe_difference(scope, "easy_nation"))
    return [line for line in lines if line]


def _list_parts(scope: ReportScope) -> list[Block]:
    """Return what is clearly better and clearly worse than in the nation, three of each."""
    return [
        Paragraph(
            scope.say("easy_parts", way, list=_name_first(scope, pairs))
            if pairs
            else scope.say("easy_parts", f"none_{way}")
        )
        for way, pairs in (("above", scope.above), ("below", scope.below))
    ]


def _name_first(scope: ReportScope, pairs: Sequence[tuple[str, EstimateDifference]]) -> str:
    """Return the names of those with the largest differences; where two tie, of both."""
    runs = split_ties(pairs, lambda pair: format_score(abs(pair[1].figure.estimate or 0.0)))
    return join_list([pair[1].name for run in runs for pair in run], scope.language)


def _list_meaning(scope: ReportScope) -> tuple[str, ...]:
    return tuple(scope.say("easy", f"meaning_{number}") for number in (1, 2, 3))


def _list_contacts(scope: ReportScope, report: Report) -> Sequence[str]:
    contact = report.imprint.contact
    named = [scope.say("easy", "contact", contact=contact)] if contact else []
    return [*named, *(scope.say("easy", line) for line in _HOTLINE_LINES)]
