"""Problems that begin with a figure from beside the score, and what its own series says since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.comparative_tests.released_grades import sign_comparative_test
from survey.counts.deliveries import import_delivery
from survey.figures.views.view_context import ViewContext
from survey.locale import translator
from survey.rectification import village_figures
from survey.rectification.cited_evidence import (
    CitedFigures,
    find_cited_figures,
    list_citable_figures,
)
from survey.rectification.problem_changes import ProblemDraft, ProblemNotAllowedError
from survey.rectification.problem_records import ProblemFigure, ProblemRecord
from survey.rectification.remeasurement import compare_figures
from survey.rectification.village_figures import propose_village_problems
from survey.reports.contents import ReportKind
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults
from survey.store.engine import read_scope
from survey.store.tables import (
    AuditEntry,
    ComparativeTestState,
    ProblemBasis,
    ProblemState,
    WaveState,
)
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_test import RunningTest, first_values, start, value
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.context.complaints.weekly_counts import KEY, NEWEST, WEEKS, build_counts, plant, store
from tests.publish.problems.conftest import BEIJING, NOW, PAST, SUZHOU, ProblemDesk
from tests.work_of import work_of

PRICE = "complaints/2024/nature/price"
WARNING = f"early_warning/contract/internet/{WEEKS[-2]}"
FAILED = ("S02", "leakage")
WORDING = "网络购物合同投诉突增"


def deliver(desk: ProblemDesk, month: str, counts: tuple[int, int, int]) -> None:
    rows = [*rows_of(month, SUZHOU, counts), *rows_of(month, BEIJING, (500, 300, 90))]
    run_in_transaction(
        desk.url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, datetime(2026, 1, 5, tzinfo=UTC)),
            check=check_file(count_file(*rows)),
            head=head(f"d-{month}-{counts[2]}", day=date(int(month[:4]), 6, 1)),
        ),
    )


def begin(
    desk: ProblemDesk, key: str, basis: ProblemBasis = ProblemBasis.CHOSEN, **where: Any
) -> int:
    return desk.add("city", [ProblemDraft(basis, ProblemFigure(reference=key), WORDING)], **where)


def listed(desk: ProblemDesk, key: str) -> ProblemRecord:
    return next(each for each in desk.read() if each.reference == key and each.stands)


def read(desk: ProblemDesk, problems: Sequence[ProblemRecord]) -> CitedFigures:
    with read_scope(desk.url) as session:
        work = work_of(session, desk.people["city"])
        return find_cited_figures(work, city_code=SUZHOU, problems=problems, language="en")


def citable(desk: ProblemDesk) -> set[str]:
    with read_scope(desk.url) as session:
        work = work_of(session, desk.people["city"])
        return set(list_citable_figures(work, city_code=SUZHOU, language="en"))


def test_complaints_begin_a_problem_and_the_next_year_measures_it_again(desk: ProblemDesk) -> None:
    deliver(desk, "2024-05", (100, 60, 40))
    assert begin(desk, PRICE) == 1
    assert begin(desk, PRICE) == 0, "a second press changes nothing"
    assert begin(desk, PRICE, wave=NOW) == 1, "the next wave has a list of its own"
    problem = listed(desk, PRICE)
    assert (problem.indicator, problem.figure) == ("", ProblemFigure(reference=PRICE))
    t = translator("en")
    cited = read(desk, [problem])
    assert cited.name(problem.figure, t) == "Complaints, 2024-05 to 2024-05 · Nature · Price"
    assert cited.describe_later(problem.figure, t) == "not measured again"
    deliver(desk, "2025-05", (100, 30, 40))
    again = read(desk, [problem])
    assert again.name(problem.figure, t) == cited.name(problem.figure, t)
    assert "30 complaints accepted" in again.describe_later(problem.figure, t)
    assert "2025-05" in again.describe_later(problem.figure, t)
    with read_scope(desk.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "problem.added")
        details = [entry.detail for entry in session.exec(query)]
    assert {each["cites"] for each in details} == {"投诉，2024-05 至 2024-05 · 投诉性质 · 价格"}
    assert all("60" in each["figure"] for each in details), "the value when it was listed"


def test_what_was_taken_off_the_list_can_be_listed_again(desk: ProblemDesk) -> None:
    deliver(desk, "2024-05", (100, 60, 40))
    begin(desk, PRICE)
    desk.move(listed(desk, PRICE).id, ProblemState.WITHDRAWN, note="记错了")
    assert begin(desk, PRICE) == 1


@pytest.mark.parametrize(
    ("key", "basis"),
    [
        ("complaints/2024/nature/safety", ProblemBasis.CHOSEN),
        ("complaints/1999/total/total", ProblemBasis.CHOSEN),
        (WARNING, ProblemBasis.CHOSEN),
        ("link/https://example.org", ProblemBasis.CHOSEN),
        ("statement/", ProblemBasis.CHOSEN),
        ("x", ProblemBasis.CHOSEN),
        (PRICE, ProblemBasis.PRIORITY),
    ],
)
def test_only_a_published_figure_of_the_city_begins_a_problem(
    sqlite_desk: ProblemDesk, key: str, basis: ProblemBasis
) -> None:
    deliver(sqlite_desk, "2024-05", (100, 60, 4))
    with pytest.raises(ProblemNotAllowedError):
        begin(sqlite_desk, key, basis)
    assert sqlite_desk.read() == []


def test_a_figure_that_is_hidden_since_is_named_by_its_kind_alone(sqlite_desk: ProblemDesk) -> None:
    deliver(sqlite_desk, "2024-05", (100, 60, 40))
    key = "complaints/2024/nature/safety"
    begin(sqlite_desk, key)
    deliver(sqlite_desk, "2024-05", (100, 60, 4))
    name = read(sqlite_desk, sqlite_desk.read()).name(
        ProblemFigure(reference=key), translator("en")
    )
    assert name == "The figure that is cited (complaint statistics) is not shown now."


def test_an_early_warning_begins_a_problem_and_later_weeks_measure_it_again(
    desk: ProblemDesk,
) -> None:
    frame = build_counts()
    warned = plant(frame, WEEKS[-2:])
    store(desk.url, warned[warned["week"] != NEWEST])
    assert citable(desk) == {WARNING}
    begin(desk, WARNING)
    problem, t = listed(desk, WARNING), translator("en")
    now = read(desk, [problem])
    assert now.name(problem.figure, t).startswith("Early warning of complaints · ")
    assert "60 complaints, usually at most" in now.shown[WARNING].figure
    assert now.describe_later(problem.figure, t) == "not measured again", "no week came since"
    store(desk.url, warned[warned["week"] == NEWEST], "newest")
    still = read(desk, [problem]).describe_later(problem.figure, t)
    assert "60 complaints, usually at most" in still
    assert citable(desk) == {WARNING}, "the same outbreak, and not another one of each week"
    of_week = frame[(frame["week"] == NEWEST) & (frame["area"] == SUZHOU)]
    store(desk.url, of_week, "correction", area=SUZHOU)
    since = read(desk, [problem])
    assert "not more than usual" in since.describe_later(problem.figure, t)
    assert since.name(problem.figure, t) == now.name(problem.figure, t)


@pytest.mark.parametrize(
    "series", ["contract/internet/2025W08", "contract/nothing/2025W08", "x", ""]
)
def test_what_is_no_warning_begins_no_problem(sqlite_desk: ProblemDesk, series: str) -> None:
    store(sqlite_desk.url, build_counts())
    with pytest.raises(ProblemNotAllowedError):
        begin(sqlite_desk, f"early_warning/{series}")


def test_a_warning_that_is_kept_back_is_not_told_by_its_problem(sqlite_desk: ProblemDesk) -> None:
    """ "Not more than usual" of a series would be wrong while a warning of the city is hidden."""
    desk, frame = sqlite_desk, build_counts()
    planted = plant(frame, WEEKS[-2:])
    store(desk.url, planted)
    begin(desk, WARNING)
    is_class = (planted["area"] == SUZHOU) & (planted["goods_class"] == KEY.goods_class)
    is_alarm = (planted["nature"] == KEY.nature) & (planted["week"] == NEWEST)
    planted.loc[is_class & (planted["week"] >= "2025") & ~is_alarm, "accepted"] = 0
    store(desk.url, planted, "few others")
    problem, t = listed(desk, WARNING), translator("en")
    assert read(desk, [problem]).describe_later(problem.figure, t) == "not measured again"


def test_a_week_without_the_city_says_nothing_of_it(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    frame = plant(build_counts(), WEEKS[-2:])
    store(desk.url, frame[(frame["area"] == SUZHOU) & (frame["week"] != NEWEST)], area=SUZHOU)
    assert citable(desk) == {WARNING}
    begin(desk, WARNING)
    store(desk.url, frame[frame["area"] == BEIJING], "beijing", area=BEIJING)
    problem, t = listed(desk, WARNING), translator("en")
    assert read(desk, [problem]).describe_later(problem.figure, t) == "not measured again"


def test_a_failed_product_begins_a_problem_and_the_same_model_is_looked_for_in_later_tests(
    sqlite_desk: ProblemDesk,
) -> None:
    desk = sqlite_desk
    person = desk.employ(Role.NATIONAL_OFFICIAL, "CN")
    release(start(desk.url, person, ComparativeTestState.MAKERS_HEARD), person)
    (key,) = (key for key in citable(desk) if key.count("/") == 2)
    assert key.endswith("/S02"), "what fails within the uncertainty alone is not offered"
    begin(desk, key)
    problem, t = listed(desk, key), translator("en")
    now = read(desk, [problem])
    assert now.name(problem.figure, t) == "Rice cookers · Brand S02 M1"
    assert now.shown[key].figure == "poor · does not conform: leakage current"
    assert now.describe_later(problem.figure, t) == "not measured again"
    better = [each for each in first_values() if (each.sample, each.characteristic) != FAILED]
    later = [*better, value(*FAILED, "0.30")]
    second = start(desk.url, person, ComparativeTestState.MAKERS_HEARD, later, key="later")
    second.wait(30)
    release(second, person)
    again = read(desk, [problem])
    assert again.name(problem.figure, t) == now.name(problem.figure, t)
    assert "no characteristic clearly fails its limit" in again.describe_later(problem.figure, t)


def release(test: RunningTest, person: Principal) -> None:
    test.change(sign_comparative_test, person, two_people=False)


def test_the_report_says_what_the_own_series_says_since(
    sqlite_desk: ProblemDesk, frozen: dict[str, WaveResults]
) -> None:
    desk = sqlite_desk
    deliver(desk, "2024-05", (100, 60, 40))
    begin(desk, PRICE)
    deliver(desk, "2025-05", (100, 30, 40))
    problems = tuple(desk.read())
    made = build_report(
        ReportScope(
            ReportKind.CITY, SUZHOU, ViewContext(frozen[NOW], OPERATOR, "en"),
            (frozen["main-2023"],), read_rules(), problems=problems, cited=read(desk, problems),
        )
    )  # fmt: skip
    section = made.find_section("problems")
    assert section is not None
    rows = [row for table in made.tables() if table in section.blocks for row in table.rows]
    (row,) = (row for row in rows if row[0] == WORDING)
    assert row[2] == "Complaints, 2024-05 to 2024-05 · Nature · Price"
    assert "30 complaints accepted" in row[3]


@pytest.fixture
def villages(sqlite_desk: ProblemDesk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take the two waves for studies of villages; those in the returned list are there."""
    there = [PAST]
    known = sqlite_desk.results

    def list_waves(*_: object) -> tuple[list[Any], list[Any]]:
        return [known[key].wave for key in sorted(there, reverse=True)], []

    monkeypatch.setattr(village_figures, "VILLAGE_SERIES", known[PAST].wave.series)
    monkeypatch.setattr(village_figures, "list_readable_waves", list_waves)
    monkeypatch.setattr(village_figures, "open_results", lambda *given: known[given[2]])
    return there


def test_a_study_of_villages_begins_a_problem_and_the_next_one_tests_the_change(
    sqlite_desk: ProblemDesk, villages: list[str]
) -> None:
    desk, t = sqlite_desk, translator("en")
    with read_scope(desk.url) as session:
        work = work_of(session, desk.people["city"])
        proposed = propose_village_problems(work, city=SUZHOU, language="en")
    assert proposed
    assert set(proposed) <= citable(desk)
    key = f"villages/{PAST}/1.1/all"
    assert begin(desk, key, wave=NOW) == 1
    problem = listed(desk, key)
    now = read(desk, [problem])
    assert now.describe_later(problem.figure, t) == "not measured again"
    assert " of 100 points, " in now.shown[key].figure
    villages.append(NOW)
    again = read(desk, [problem])
    assert again.shown[key] == now.shown[key], "it stays the figure of its own study"
    figures = [ProblemFigure("1.1")]
    context = ViewContext(desk.results[NOW], desk.people["city"], "en")
    tested = compare_figures(context, desk.results[PAST], SUZHOU, figures)[figures[0]]
    assert tested.sentence(t) in again.describe_later(problem.figure, t)


def test_only_a_published_score_of_villages_begins_a_problem(
    sqlite_desk: ProblemDesk, villages: list[str]
) -> None:
    villages.append(NOW)
    for rest in ("9.9/all", "1.1/village_role=trader", "1.1", f"1.1/all/{PAST}", "../all", ""):
        with pytest.raises(ProblemNotAllowedError):
            begin(sqlite_desk, f"villages/{NOW}/{rest}", wave=NOW)
    with pytest.raises(ProblemNotAllowedError):
        begin(sqlite_desk, "villages/main-2025/1.1/all", wave=NOW)
    villages.clear()
    with pytest.raises(ProblemNotAllowedError):
        begin(sqlite_desk, f"villages/{NOW}/1.1/all", wave=NOW)


def test_a_study_that_is_not_released_proposes_nothing(
    sqlite_desk: ProblemDesk, villages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [key for key in citable(sqlite_desk) if key.startswith("villages/")]
    frozen = replace(sqlite_desk.results[villages[0]].wave, state=WaveState.FROZEN)
    monkeypatch.setattr(village_figures, "list_readable_waves", lambda *_: ([frozen], []))
    assert not [key for key in citable(sqlite_desk) if key.startswith("villages/")]
