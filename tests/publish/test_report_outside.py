"""Chapter beside the score: published numbers with their day, and only for whom they are."""

from dataclasses import replace
from pathlib import Path

import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.evidence_city.city_action import CityAction
from survey.evidence_city.outside_city import OutsideEvidence, read_outside_evidence
from survey.reports.contents import Paragraph, Report, ReportKind, ReportTable
from survey.results import WaveResults
from survey.store.engine import read_scope
from survey.store.tables import new_id
from tests.publish.small_evidence import CITY, small_evidence
from tests.publish.test_report_contents import FIXED, counts_of, numbers_in, report
from tests.work_of import work_of

Frozen = dict[str, WaveResults]


@pytest.fixture(scope="module")
def module_sqlite_url(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> str:
    path = tmp_path_factory.mktemp("outside") / "survey.db"
    path.write_bytes(_sqlite_template.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def evidence(module_sqlite_url: str) -> OutsideEvidence:
    return small_evidence(module_sqlite_url)


def blocks_of(made: Report) -> tuple[list[str], list[ReportTable]]:
    """The sentences of the body, and the tables of the annex from which they are."""
    section, annex = made.find_section("outside"), made.find_section("tables")
    assert section is not None
    assert annex is not None
    tables = [block for block in annex.blocks if isinstance(block, ReportTable)]
    texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    return texts, [table for table in tables if table.is_annexed and not table.ids]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_number_of_its_sentences_stands_in_its_own_tables(
    frozen: Frozen, evidence: OutsideEvidence, language: str
) -> None:
    made = report(frozen, language=language, outside=evidence)
    texts, tables = blocks_of(made)
    known = {
        number for table in tables for row in table.rows for cell in row
        for number in numbers_in(cell)
    }  # fmt: skip
    heads = {
        number for table in tables for each in table.columns for number in numbers_in(each.head)
    }
    for text in texts:
        assert numbers_in(text) <= known | heads | FIXED | counts_of(made), text


def test_it_says_the_change_and_until_when_each_source_was_counted(
    frozen: Frozen, evidence: OutsideEvidence
) -> None:
    _, tables = blocks_of(report(frozen, outside=evidence))
    facts, lens, classes, checks, items, tests, education, opinion = tables
    assert facts.rows[0][1] == "1,334"
    assert facts.rows[1] == ("已报送月份数", "1", "–", "12")
    assert facts.rows[2][1:] == ("+303.0%", "1,334", "331")
    assert [column.head for column in lens.columns][3:5] == ["上年同期占比", "变化（百分点）"]
    assert [row[0] for row in classes.rows] == ["食品类"]
    assert "数据截至" in classes.note
    assert checks.rows[1][3:] == ("69.3", "64.1 至 74.5", "12", "2024年9月30日")
    assert items.rows == (
        ("商场体察", "苏州", "明码标价", "41.7", "22.0 至 61.0", "12 个中的 5 个"),
    )
    assert tests.rows[1][1:5] == ("Brand S02 M1", "leakage current (mA)", "0.90 ± 0.02", "≤ 0.75")
    assert [row[1] for row in education.rows[2:]] == ["1", "80", "1,200", "0"]
    assert "监测单位" in opinion.note


def test_it_is_of_cities_alone_and_empty_without_evidence(
    frozen: Frozen, evidence: OutsideEvidence
) -> None:
    nothing = replace(evidence, year=None, before=None, action=CityAction(), opinion=None)
    assert report(frozen, outside=nothing).find_section("outside") is None
    nation = report(frozen, ReportKind.NATION, NATION, outside=evidence)
    assert nation.find_section("outside") is None


def test_opinion_is_for_those_who_are_responsible_for_the_city(
    module_sqlite_url: str, evidence: OutsideEvidence
) -> None:
    assert evidence.opinion is not None
    other = Principal(new_id(), "other", Role.CITY_OFFICIAL, "110000")
    with read_scope(module_sqlite_url) as session:
        read = {
            person.name: read_outside_evidence(work_of(session, person), city=CITY, wave_year=2024)
            for person in (other, OPERATOR)
        }
    assert read["other"].opinion is None
    assert read["other"].year is not None
    assert read[OPERATOR.name].opinion is not None
