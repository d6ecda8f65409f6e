"""Files of laboratories: layouts that are proposed, corrected by a mapping, or refused in words."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.access.work import Seen
from survey.collection.importing.mapped_list import describe_mapping
from survey.collection.importing.rejections import ImportNotPossibleError
from survey.comparative_tests.laboratory_file import parse_value_mapping, propose_value_mapping
from survey.comparative_tests.measured_values import read_value_file
from survey.comparative_tests.rules import GradingRules
from survey.comparative_tests.value_list import VALUE_SHEET, ValueList
from survey.locale import SurveyError, translator
from survey.store.engine import read_scope
from survey.store.tables import ComparativeTestState, MeasurementRound
from survey.tabular.text_table import FileUnreadableError
from survey.tabular.xml_rows import read_xml_rows
from tests.context.comparative_tests.small_rules import rules
from tests.context.comparative_tests.small_test import RunningTest, employ, start
from tests.work_of import work_of

zh = translator("zh")
WIDE = """某检测中心 报告,,,,,
样品号,检验日期,leakage,leakage U,cooking,energy
S01,2026年5月18日,0.30,0.02,31 ± 1,78.2±0.9
s02,2026/5/18,＜0.05,,２５,85±0.9
S03,2026-05-18,x,0.02,,70±0.9
S09,2026-05-18,0.30,0.02,,
"""


@pytest.fixture
def lin(sqlite_url: str) -> Principal:
    return employ(sqlite_url, Role.NATIONAL_OFFICIAL)


@pytest.fixture
def test(sqlite_url: str, lin: Principal) -> RunningTest:
    return start(sqlite_url, lin, ComparativeTestState.AT_LABORATORY)


def read(
    test: RunningTest, lin: Principal, content: str, mapping: object = None, name: str = "lab.csv"
) -> ValueList:
    with read_scope(test.url) as session:
        return read_value_file(
            work_of(session, lin, test.now),
            Seen(test.id, test.version),
            occasion=MeasurementRound.FIRST,
            name=name,
            content=content.encode(),
            mapping=b"" if mapping is None else json.dumps(mapping).encode(),
        )


def test_a_wide_table_is_read_and_its_problems_are_called_by_its_own_heads(
    test: RunningTest, lin: Principal
) -> None:
    mapping = {
        "kind": "test-values", "head_row": 2,
        "columns": {"sample": "样品号", "measured_on": "检验日期"}, "constants": {"coverage": "2"},
        "spread": [
            {"column": "leakage", "characteristic": "leakage"},
            {"column": "leakage U", "characteristic": "leakage", "cell": "uncertainty"},
            {"column": "cooking", "characteristic": "cooking"},
            {"column": "energy", "characteristic": "energy"},
        ],
    }  # fmt: skip
    proposed = propose_value_mapping(WIDE.encode(), rules()).mapping
    assert proposed == parse_value_mapping(json.dumps({**mapping, "constants": {}}).encode())
    # What was not detected has no uncertainty: the factor that holds for all rows is not for it.
    listed = read(test, lin, WIDE, mapping)
    values = {(each.sample, each.characteristic): each.measurement for each in listed.values}
    assert values["S01", "cooking"].uncertainty == Decimal(1)
    assert values["S01", "energy"].value == Decimal("78.2")
    assert values["S02", "leakage"].is_below
    assert values["S02", "cooking"].value == Decimal(25)
    assert [(each.row, zh(each.column), each.value) for each in listed.errors] == [
        (5, "leakage", "x"), (6, "样品号", "S09"),
    ]  # fmt: skip


def test_how_a_file_was_read_is_said_in_its_own_heads() -> None:
    mapping = propose_value_mapping(WIDE.encode(), rules()).mapping
    said = describe_mapping(mapping, VALUE_SHEET, zh)
    assert "样品编号：样品号" in said
    assert "扩展不确定度 U：leakage U" in said


def test_own_names_of_samples_and_characteristics_are_translated(
    test: RunningTest, lin: Principal
) -> None:
    content = "Lab ID,Analyte,Result,U,k,Date\nL-1,Ableitstrom,0.30,0.02,2,2026-05-18\n"
    assert len(read(test, lin, content).errors) == 2
    proposed = propose_value_mapping(content.encode(), GradingRules()).mapping
    codes = {"sample": {"l-1": "S01"}, "characteristic": {"ABLEITSTROM": "leakage"}}
    listed = read(test, lin, content, {**proposed.model_dump(), "codes": codes})
    assert listed.errors == ()
    (value,) = listed.values
    assert (value.sample, value.characteristic) == ("S01", "leakage")


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"columns": {"sample": "样品号"}}, "give a mapping"),
        ({"columns": {"brand": "样品号"}}, "brand is none of"),
        ({"kind": "complaints"}, "kind"),
        ({"columns": {"sample": "Nummer"}, "constants": {"characteristic": "energy",
          "value": "1", "measured_on": "2026-05-18"}}, "Nummer that the file lacks"),
        ({"spread": [{"column": "x", "characteristic": "y", "cell": "unit"}]}, "wrong kind"),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused_in_words(
    test: RunningTest, lin: Principal, mapping: object, problem: str
) -> None:
    with pytest.raises(ImportNotPossibleError, match=problem):
        read(test, lin, WIDE, mapping)


def test_a_file_in_which_nothing_is_found_says_what_is_missing(
    test: RunningTest, lin: Principal
) -> None:
    with pytest.raises(ImportNotPossibleError, match="Please give a mapping"):
        read(test, lin, "a,b\n1,2\n")
    with pytest.raises(FileUnreadableError):
        read(test, lin, "")


ATTRIBUTES = (
    """<r><a n="S1"><v p="x" y="1"/><v p="y" y="2"/></a><a n="S2"><v p="x" y="3"/></a></r>"""
)


def test_rows_of_attributes_stay_apart() -> None:
    assert read_xml_rows(ATTRIBUTES.encode()).rows == [
        ["a n", "v p", "v y"], ["S1", "x", "1"], ["S1", "y", "2"], ["S2", "x", "3"],
    ]  # fmt: skip


def test_namespaces_and_measurements_within_a_result() -> None:
    content = (
        '<e xmlns="urn:lab"><s><id>S1</id><res><p>x</p><m no="1"><v>1</v></m>'
        '<m no="2"><v>2</v></m></res></s></e>'
    )
    assert read_xml_rows(content.encode()).rows == [
        ["id", "p", "m no", "v"], ["S1", "x", "1", "1"], ["S1", "x", "2", "2"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><a><r>&b;</r><r/></a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a><r/><r/></a>',
        "<a><r/></a>",
        "<a><r>",
        '<?xml version="1.0" encoding="nonsense"?><a><r/><r/></a>',
        '<?xml version="1.0" encoding="gb2312"?><a>\x80<r/><r/></a>',
        "<a>" * 5_000 + "</a>" * 5_000,
    ],
    ids=["entity", "file", "one", "broken", "encoding", "bytes", "deep"],
)
def test_xml_that_is_none_is_refused(content: str) -> None:
    with pytest.raises(FileUnreadableError):
        read_xml_rows(content.encode("latin-1"))


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"<a>{text}</a>".encode()))
def test_any_bytes_are_a_proposal_or_refused_in_words(content: bytes) -> None:
    try:
        proposal = propose_value_mapping(content, rules())
    except SurveyError:
        return
    assert proposal.mapping.head_row >= 1
