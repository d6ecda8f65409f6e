"""Problems that cite complaints or a comparative test: only what is published, and kept in step."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from seed.demo.comparative_test import TRUE_VALUES, store_comparative_test
from survey.access.principal import OPERATOR, AccessDeniedError
from survey.access.roles import Role
from survey.counts.deliveries import import_delivery
from survey.figures.views.view_context import ViewContext
from survey.rectification.cited_evidence import find_cited_figures, list_citable_figures
from survey.rectification.problem_changes import ProblemNotAllowedError
from survey.rectification.problem_records import CitedFigure, ProblemRecord
from survey.reports.contents import ReportKind
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ComparativeTestState, EvidenceKind, ProblemState
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_test import start
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.publish.problems.conftest import BEIJING, NOW, SUZHOU, ProblemDesk
from tests.work_of import work_of

PRICE, SAFETY = "complaints/2024/nature/price", "complaints/2024/nature/safety"
QUALITY = "complaints/2024/nature/quality"
WHOLE = "complaints/2024/total/total"


def deliver(desk: ProblemDesk, number: int, counts: tuple[int, int, int]) -> None:
    rows = [*rows_of("2024-05", SUZHOU, counts), *rows_of("2024-05", BEIJING, (500, 300, 90))]
    run_in_transaction(
        desk.url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, datetime(2026, 1, number, tzinfo=UTC)),
            check=check_file(count_file(*rows)),
            head=head(f"d-{number}", day=date(2024, 6, number)),
        ),
    )


def citable(desk: ProblemDesk, who: str = "city", city: str = SUZHOU) -> dict[str, CitedFigure]:
    with read_scope(desk.url) as session:
        return list_citable_figures(
            work_of(session, desk.people[who]), city_code=city, language="en"
        )


def cited(desk: ProblemDesk, problem: ProblemRecord, who: str = "province") -> list[CitedFigure]:
    with read_scope(desk.url) as session:
        found = find_cited_figures(
            work_of(session, desk.people[who]), city_code=SUZHOU, problems=[problem], language="en"
        )
    return list(found.shown.values())


def begun(desk: ProblemDesk, **where: Any) -> ProblemRecord:
    problem = desk.add_one(**where)
    desk.edit(problem.id)
    desk.move(problem.id, ProblemState.IN_PROGRESS)
    return desk.get(problem.id)


def test_a_cited_figure_follows_its_revisions_and_the_trail_keeps_what_it_said(
    desk: ProblemDesk,
) -> None:
    deliver(desk, 1, (100, 60, 40))
    problem = begun(desk)
    desk.prove(problem.id, cites=PRICE)
    desk.prove(problem.id, cites=WHOLE, statement="总量也已下降")
    given = desk.get(problem.id).evidence[0]
    assert (given.kind, given.reference) == (EvidenceKind.COMPLAINTS, "2024/nature/price")
    before = cited(desk, desk.get(problem.id))
    assert {each.key for each in before} == {PRICE, WHOLE}
    (price,) = (each for each in before if each.key == PRICE)
    assert "60 complaints accepted" in price.figure
    assert price.data_as_of == date(2024, 6, 1)
    deliver(desk, 2, (100, 45, 40))
    (price,) = (each for each in cited(desk, desk.get(problem.id)) if each.key == PRICE)
    assert "45 complaints accepted" in price.figure
    assert price.data_as_of == date(2024, 6, 2)
    with read_scope(desk.url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "problem.evidence_given")
        entries = sorted(session.exec(query), key=lambda entry: entry.at)
    assert entries[0].detail["kind"] == "complaints"
    assert entries[0].detail["as_of"] == "2024-06-01"
    assert "60" in entries[0].detail["figure"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_cited_figure_is_part_of_a_line_in_either_language(
    sqlite_desk: ProblemDesk, language: str
) -> None:
    """Beside its title and day: no full stop before the next part, no gap between Chinese ones."""
    deliver(sqlite_desk, 1, (100, 60, 40))
    with read_scope(sqlite_desk.url) as session:
        figures = list_citable_figures(
            work_of(session, OPERATOR), city_code=SUZHOU, language=language
        )
    assert {PRICE, WHOLE} <= set(figures)
    for figure in figures.values():
        assert not figure.figure.endswith((".", "。"))
        assert "。 " not in figure.figure


def test_only_published_figures_of_the_own_city_can_be_cited(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    assert citable(desk) == {}
    deliver(desk, 1, (100, 60, 4))
    assert QUALITY in citable(desk)
    assert SAFETY not in citable(desk), "four complaints are kept back"
    assert not any(" 4 " in each.figure for each in citable(desk).values())
    with pytest.raises(AccessDeniedError):
        citable(desk, city=BEIJING)
    problem = begun(desk)
    unknown = ("complaints/2024/nature/nothing", "complaints/1999/total/total", "link/x")
    for key in (SAFETY, *unknown, "complaints", "complaints/2024/", "experience_check/", "x"):
        with pytest.raises(ProblemNotAllowedError, match="not published"):
            desk.prove(problem.id, cites=key)
    with pytest.raises(ProblemNotAllowedError, match="one after the other"):
        desk.prove(problem.id, cites=QUALITY, link="https://example.org/")
    assert desk.get(problem.id).evidence == ()


def test_what_is_hidden_by_a_revision_is_not_shown_any_more(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    deliver(desk, 1, (100, 60, 40))
    problem = begun(desk)
    desk.prove(problem.id, cites=SAFETY)
    assert len(cited(desk, desk.get(problem.id))) == 1
    deliver(desk, 2, (100, 60, 4))
    assert cited(desk, desk.get(problem.id)) == []


def test_a_test_can_be_cited_once_it_is_released(sqlite_desk: ProblemDesk) -> None:
    desk = sqlite_desk
    person = desk.employ(Role.NATIONAL_OFFICIAL, "CN")
    start(desk.url, person, ComparativeTestState.MAKERS_HEARD)
    assert citable(desk) == {}

    def store(session: Session) -> None:
        accounts = {"demo-national_official": person.account_id}
        store_comparative_test(
            session=session, accounts=accounts, seed=7, now=datetime(2026, 5, 20, tzinfo=UTC)
        )

    run_in_transaction(desk.url, store)
    figure, *samples = citable(desk).values()
    assert {each.figure.partition(" · ")[0] for each in samples} == {"one star"}
    assert (figure.kind, figure.is_demo) == (EvidenceKind.COMPARATIVE_TEST, True)
    assert figure.figure.startswith(f"{len(TRUE_VALUES)} samples.")
    problem = begun(desk)
    desk.prove(problem.id, cites=figure.key)
    assert [each.key for each in cited(desk, desk.get(problem.id), "nation")] == [figure.key]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_names_the_figure_and_its_day(
    sqlite_desk: ProblemDesk, frozen: dict[str, WaveResults], language: str
) -> None:
    desk = sqlite_desk
    deliver(desk, 1, (100, 60, 40))
    problem = begun(desk, wave=NOW)
    desk.prove(problem.id, cites=PRICE)
    listed = tuple(desk.read("city"))
    with read_scope(desk.url) as session:
        found = find_cited_figures(
            work_of(session, desk.people["city"]),
            city_code=SUZHOU,
            problems=listed,
            language=language,
        )
    made = build_report(
        ReportScope(
            ReportKind.CITY,
            SUZHOU,
            ViewContext(frozen[NOW], OPERATOR, language),
            (),
            read_rules(),
            problems=listed,
            cited=found,
        )
    )
    section = made.find_section("problems")
    assert section is not None
    (row,) = next(table.rows for table in made.tables() if len(table.columns) == 5
                  and table in section.blocks)  # fmt: skip
    assert row[1] == "已在 120 个停车场公示"
    assert row[3] == found.shown[PRICE].figure
    assert ("2024年6月1日" if language == "zh" else "2024") in row[4]
