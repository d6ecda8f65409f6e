"""Problems measured again: smaller only where the test of change says so, on screen and in Word."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from uuid import uuid4

import pytest
from docx import Document

from survey.access.principal import OPERATOR
from survey.figures.views.view_context import ViewContext
from survey.locale import translator
from survey.locale.figures import format_signed
from survey.rectification.problem_records import ProblemFigure, ProblemRecord
from survey.rectification.problem_table import count_problems, list_reminders, order_problems
from survey.rectification.proposals import build_proposals, list_figures
from survey.rectification.remeasurement import (
    ProblemTrend,
    compare_figures,
    find_next_wave,
    measure_problems_again,
)
from survey.reports.contents import Report, ReportKind, ReportTable
from survey.reports.docx_file import write_docx
from survey.reports.improvement_sections import build_actions
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults
from survey.results.changes import FALL, RISE
from survey.store.tables import ProblemBasis, ProblemState, WaveState

Frozen = dict[str, WaveResults]
SUZHOU, PAST, NOW = "320500", "main-2023", "main-2024"
TRENDS = {RISE: ProblemTrend.SMALLER, FALL: ProblemTrend.LARGER, "none": ProblemTrend.UNCLEAR}


def problem(
    figure: ProblemFigure,
    state: ProblemState = ProblemState.ACCEPTED,
    *,
    wave: str = PAST,
    deadline: date | None = date(2024, 6, 30),
) -> ProblemRecord:
    return ProblemRecord(
        id=uuid4(),
        wave_key=wave,
        wave_year=int(wave[-4:]),
        wave_title={"zh": wave, "en": wave},
        series="main",
        city_code=SUZHOU,
        basis=ProblemBasis.CHOSEN,
        indicator=figure.indicator,
        group=figure.group,
        reference=figure.reference,
        wording=f"问题 {figure.indicator} {figure.group}",
        measure="公示收费标准",
        unit="市场监管局",
        deadline=deadline,
        state=state,
        version=3,
        changed_at=datetime(2024, 7, 1, tzinfo=UTC),
    )


def all_figures(frozen: Frozen) -> tuple[ProblemFigure, ...]:
    return tuple(list_figures(ViewContext(frozen[PAST], OPERATOR, "en"), city=SUZHOU))


def test_the_verdict_is_that_of_the_published_change(frozen: Frozen) -> None:
    figures = all_figures(frozen)
    found = measure_problems_again(
        ViewContext(frozen[PAST], OPERATOR, "en"),
        city=SUZHOU,
        figures=figures,
        others=[frozen[NOW]],
    )
    assert found.keys() == set(figures)
    changes = frozen[NOW].changes(
        OPERATOR, before=frozen[PAST].wave, area_level="city", area=SUZHOU
    )
    rows = {
        ProblemFigure(row.indicator, row.group): row
        for row in changes.itertuples()
        if row.shown and row.verdict
    }
    tested = {each for each, again in found.items() if again.trend is not ProblemTrend.UNTESTED}
    assert tested == rows.keys() & set(figures)
    assert {ProblemTrend.UNCLEAR} < {found[each].trend for each in tested}
    for figure in tested:
        again = found[figure]
        assert again.trend is TRENDS[str(rows[figure].verdict)]
        assert again.change.estimate == pytest.approx(rows[figure].difference)
        assert format_signed(again.change.estimate or 0.0) in again.sentence(translator("en"))
    assert len(tested) > 10


def test_only_a_released_later_wave_measures_again(frozen: Frozen) -> None:
    assert find_next_wave(frozen[PAST], frozen.values()) is frozen[NOW]
    assert find_next_wave(frozen[NOW], frozen.values()) is None
    unreleased = frozen[NOW].as_released(frozen[NOW].wave.shown, None)
    unreleased.wave = replace(unreleased.wave, state=WaveState.FROZEN)
    assert find_next_wave(frozen[PAST], [unreleased]) is None


def test_figures_without_a_test_say_so(frozen: Frozen) -> None:
    reading = ViewContext(frozen[NOW], OPERATOR, "en")
    odd = [ProblemFigure("nothing_like_it"), ProblemFigure("composite", "gender=male")]
    found = compare_figures(reading, frozen[PAST], SUZHOU, odd)
    assert {again.trend for again in found.values()} == {ProblemTrend.UNTESTED}
    assert all(again.reason and again.change.estimate is None for again in found.values())
    other_tree = ViewContext(frozen[NOW], OPERATOR, "en")
    supplement = next(each for key, each in frozen.items() if not key.startswith("main"))
    (again,) = compare_figures(other_tree, supplement, SUZHOU, [ProblemFigure("1.1")]).values()
    assert again.trend is ProblemTrend.UNTESTED


def test_proposals_are_the_priorities_gaps_and_groups_of_the_city_page(frozen: Frozen) -> None:
    for city in ("110000", "320100", "320500", "440300"):
        proposals = build_proposals(ViewContext(frozen[PAST], OPERATOR, "en"), city=city)
        figures = [each.figure for each in proposals]
        assert len(figures) == len(set(figures))
        drivers = frozen[PAST].drivers(OPERATOR, area_level="city", area=city, group="all")
        first = set(drivers.loc[drivers["priority"] > 0, "indicator"].astype(str))
        assert {each.figure.indicator for each in proposals if each.basis == "priority"} == first
        gaps = frozen[PAST].gaps(
            OPERATOR, contrast="nation", area_level="city", area=city, group="all"
        )
        lower = set(gaps.loc[gaps["verdict"] == "lower", "indicator"].astype(str))
        assert {
            each.figure.indicator for each in proposals if each.basis == "below_nation"
        } <= lower


def report(frozen: Frozen, problems: tuple[ProblemRecord, ...], language: str = "zh") -> Report:
    return build_report(
        ReportScope(
            ReportKind.CITY,
            SUZHOU,
            ViewContext(frozen[NOW], OPERATOR, language),
            [frozen[PAST]],
            read_rules(),
            problems=problems,
        )
    )


def problem_tables(made: Report) -> list[ReportTable]:
    section = made.find_section("problems")
    assert section is not None
    return [block for block in section.blocks if isinstance(block, ReportTable)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_has_both_lists_and_the_verdicts_of_the_test(
    frozen: Frozen, language: str
) -> None:
    past = tuple(problem(figure) for figure in all_figures(frozen)[:12])
    own = problem(ProblemFigure("1.1"), ProblemState.IN_PROGRESS, wave=NOW)
    gone = problem(ProblemFigure("1.2"), ProblemState.WITHDRAWN, wave=NOW)
    listed, again = problem_tables(report(frozen, (*past, own, gone), language))
    (row,) = listed.rows
    assert row[1] == own.wording
    assert row[3:5] == ("市场监管局", "公示收费标准")
    assert "2024" in row[5]
    assert [line[0] for line in again.rows] == [each.wording for each in past]
    found = compare_figures(
        ViewContext(frozen[NOW], OPERATOR, language),
        frozen[PAST],
        SUZHOU,
        [ProblemFigure(each.indicator, each.group) for each in past],
    )
    rules = read_rules()
    assert [line[-1] for line in again.rows] == [
        rules.write(language, "problems", each.trend.value) for each in found.values()
    ]


def test_the_letter_asks_for_the_first_three_of_the_kept_list(frozen: Frozen) -> None:
    done = problem(ProblemFigure("1.2"), ProblemState.DONE, wave=NOW)
    figures = ("1.1", "2.1", "2.2", "2.3")
    listed = [problem(ProblemFigure(code), ProblemState.IN_PROGRESS, wave=NOW) for code in figures]
    section = report(frozen, (done, *listed)).find_section("actions")
    assert section is not None
    (table,) = (block for block in section.blocks if isinstance(block, ReportTable))
    assert [row[0] for row in table.rows] == [
        f"{each.wording}\n{each.measure}" for each in listed[:3]
    ]
    assert {row[3] for row in table.rows} == {"市场监管局"}
    assert all("2024" in row[4] for row in table.rows)


def test_a_strength_that_is_to_be_improved_first_is_said_in_one_sentence(frozen: Frozen) -> None:
    """Of every city that has one: no reason calls it a strength and a gap."""
    said = 0
    for city in frozen[NOW].cells(OPERATOR, area_level="city", group="all")["area"].unique():
        scope = ReportScope(
            ReportKind.CITY, str(city), ViewContext(frozen[NOW], OPERATOR, "en"), (), read_rules()
        )
        both = {code for code, _ in scope.above} & {each.code for each in scope.drivers.priorities}
        section = build_actions(scope) if both else None
        if section is None:
            continue
        (table,) = (block for block in section.blocks if isinstance(block, ReportTable))
        reasons = [row[1] for row in table.rows if "a strength beside the nation" in row[1]]
        assert len(reasons) == len(both)
        assert not any("below the nation" in reason for reason in reasons)
        said += 1
    assert said


def test_without_lists_the_report_is_what_it_was(frozen: Frozen) -> None:
    made = report(frozen, ())
    assert any(row[3:] == ("", "", "") for row in problem_tables(made)[0].rows)


def test_word_has_the_lists_as_they_were_built(frozen: Frozen) -> None:
    past = tuple(problem(figure) for figure in all_figures(frozen)[:3])
    made = report(frozen, past)
    document = Document(BytesIO(write_docx(made, None)))
    cells = {cell.text for table in document.tables for row in table.rows for cell in row.cells}
    for table in problem_tables(made):
        assert {cell for row in table.rows for cell in row} <= cells | {""}


def test_reminders_count_what_needs_somebody_now() -> None:
    today = date(2024, 6, 20)
    figure = ProblemFigure("1.1")
    problems = [
        problem(figure, ProblemState.IN_PROGRESS),
        problem(figure, ProblemState.IN_PROGRESS, deadline=date(2024, 6, 19)),
        problem(figure, ProblemState.REOPENED, deadline=date(2024, 7, 5)),
        problem(figure, ProblemState.DONE, deadline=date(2024, 1, 1)),
        problem(figure, ProblemState.ACCEPTED, deadline=date(2024, 1, 1)),
        problem(figure, ProblemState.WITHDRAWN, deadline=date(2024, 1, 1)),
        problem(figure, ProblemState.PROPOSED, deadline=None),
    ]
    assert list_reminders(problems, today) == {"overdue": 1, "due": 1, "done": 1}
    counts = count_problems(problems, today)
    assert counts["all"] == len(problems) - 1
    assert sum(counts[state.value] for state in ProblemState) == len(problems)
    first, second, *_ = order_problems(problems, today)
    assert first.is_overdue(today), "what is overdue stands on top"
    assert second.deadline == date(2024, 1, 1), "then the nearest day"
    assert order_problems(problems, today)[-1].deadline is None
