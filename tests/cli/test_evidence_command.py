"""`survey evidence`: files of others become stored counts, or every problem and nothing stored."""

import csv
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlmodel import func, select

from survey.access.roles import Role
from survey.cli.evidence import FileKind
from survey.comparative_tests.plan import advance_comparative_test, set_grading_rules
from survey.comparative_tests.product_samples import add_product_samples
from survey.education.entry_list import build_template
from survey.education.registers import ACTIVITIES
from survey.locale import translator
from survey.settings import PROJECT_ROOT, current_settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import (
    AuditEntry,
    ComparativeTestState,
    ComplaintCount,
    ComplaintWeek,
    ConsumerStation,
    Delivery,
    EducationActivity,
    EducationBase,
    ImportMapping,
    OpinionCount,
    ProductMeasurement,
    PublishedTable,
)
from tests.account_factory import employ_person
from tests.context.comparative_tests.published_rules import sunscreen_rules
from tests.context.comparative_tests.small_test import PLAN, sample, start
from tests.context.complaints import weekly_counts as outbreaks
from tests.context.opinion import test_topic_alarms as topics

Survey = Callable[..., Result]
EXAMPLES = PROJECT_ROOT / "seed" / "context" / "examples"
SECRETS = ("虚构人", "1390000000", "11010119900101001X", "京A00001", "示例文字", "虚构商行",
           "虚构旅行社", "T0001")  # fmt: skip


@pytest.fixture
def ready(survey: Survey) -> Survey:
    assert survey("init").exit_code == 0
    return survey


def bring_in(survey: Survey, kind: str, file: Path | str, *more: str) -> Result:
    path = EXAMPLES / file if isinstance(file, str) else file
    return survey("evidence", "import", kind, str(path), "--format", "json", *more)


def stored(table: type, column: str) -> tuple[int, int | None]:
    """Number of rows of a table, and the sum of a column."""
    with read_scope(current_settings().store_url) as session:
        return session.exec(select(func.count(), func.sum(getattr(table, column)))).one()


@pytest.mark.parametrize(
    ("kind", "file", "rows", "total"),
    [
        ("complaints", "complaints_12315_wide.xlsx", 12, 1203),
        ("complaints", "complaints_long.csv", 5, 1095),
        ("complaint-cases", "complaint_cases_12315.csv", 5, 4),
        ("complaint-cases", "complaint_cases_cfpb.csv", 4, 4),
        ("complaint-week-cases", "complaint_cases_12315.csv", 4, 4),
        ("opinion", "opinion_long.csv", 18, 1761),
        ("opinion", "opinion_wide.csv", 18, 1761),
    ],
)
def test_every_layout_goes_from_its_file_to_stored_counts(
    ready: Survey, kind: str, file: str, rows: int, total: int
) -> None:
    weekly = ComplaintWeek if "week" in kind else ComplaintCount
    table, column = (OpinionCount, "items") if kind == "opinion" else (weekly, "accepted")
    dry = bring_in(ready, kind, file, "--dry-run")
    assert dry.exit_code == 0
    assert json.loads(dry.stdout)[0]["stored"] is False
    assert stored(table, column) == (0, None)
    assert stored(Delivery, "row_count") == (0, None)

    result = bring_in(ready, kind, file, "--source", "某省消委会")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["stored"] is True
    assert stored(table, column) == (rows, total)
    # The same file again is the same delivery.
    assert bring_in(ready, kind, file, "--source", "某省消委会").exit_code == 0
    assert stored(table, column) == (rows, total)
    with read_scope(current_settings().store_url) as session:
        (delivery,) = session.exec(select(Delivery))
        assert (delivery.source, delivery.file_name) == ("某省消委会", file)
        events = session.exec(select(AuditEntry.action))
        assert [each for each in events if each.startswith("evidence")] == ["evidence.delivered"]


def test_a_proposed_mapping_is_corrected_and_imported_with(ready: Survey, tmp_path: Path) -> None:
    printed = ready("evidence", "mapping", "complaints", str(EXAMPLES / "complaints_long.csv"))
    assert printed.exit_code == 0
    document = json.loads(printed.stdout)
    assert document["units"] == {"recovered": 10000}
    document["units"] = {}
    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps(document), encoding="utf-8")
    refused = bring_in(ready, "complaints", "complaints_long.csv", "--mapping", str(mapping))
    # 12.3456 yuan have too many decimals: the mapping holds, not what the title says.
    assert refused.exit_code == 1
    document["columns"].pop("recovered")
    mapping.write_text(json.dumps(document), encoding="utf-8")
    result = bring_in(ready, "complaints", "complaints_long.csv", "--mapping", str(mapping))
    assert result.exit_code == 0
    assert stored(ComplaintCount, "accepted") == (5, 1095)
    assert stored(ComplaintCount, "recovered_fen") == (5, None)


def test_a_refused_file_stores_nothing_and_leaves_its_problems(
    ready: Survey, tmp_path: Path
) -> None:
    text = (EXAMPLES / "complaints_long.csv").read_text(encoding="utf-8-sig")
    file, problems = tmp_path / "wrong.csv", tmp_path / "problems.csv"
    file.write_text(text.replace(",质量,", ",质差,").replace("武汉市", "某县"), encoding="utf-8")
    result = bring_in(ready, "complaints", file, "--problems", str(problems))
    assert result.exit_code == 1
    rows = list(csv.reader(problems.open(encoding="utf-8-sig")))
    assert [(row[0], row[1], row[2]) for row in rows[1:]] == [
        ("4", "投诉性质", "质差"), ("6", "投诉性质", "质差"), ("8", "地区", "某县"),
    ]  # fmt: skip
    assert rows[3][4:] == ["2025.5", "某县", "合同", "教育培训服务类", "网络", "25", "20", "3"]
    assert "0717" not in problems.read_text(encoding="utf-8-sig"), "what is not read is not there"
    assert stored(Delivery, "row_count") == (0, None)


def test_nothing_of_a_case_is_in_the_store_the_logs_or_the_problems(
    ready: Survey, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = "complaint_cases_12315.csv"
    result = bring_in(ready, "complaint-cases", file)
    assert result.exit_code == 0
    # A wrong place holds a name and a number.
    text = (EXAMPLES / file).read_text(encoding="utf-8-sig")
    wrong, problems = tmp_path / "wrong.csv", tmp_path / "problems.csv"
    wrong.write_text(text.replace("320505", "虚构人丙 13900000003"), encoding="utf-8")
    refused = bring_in(ready, "complaint-cases", wrong, "--problems", str(problems))
    assert refused.exit_code == 1
    assert problems.read_text(encoding="utf-8-sig").splitlines()[1].startswith("4,行政区划代码,,")
    dispose_engines()
    folder = current_settings().data_dir
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert kept
    kept += [problems.read_bytes(), caplog.text.encode(), result.output.encode(),
             refused.output.encode()]  # fmt: skip
    for secret in SECRETS:
        for content in kept:
            assert secret.encode() not in content
    assert stored(ImportMapping, "name")[0] == 0


def test_losses_are_listed_and_confirmed_by_their_word(ready: Survey) -> None:
    assert bring_in(ready, "complaints", "complaints_long.csv").exit_code == 0
    refused = bring_in(ready, "complaints", "complaints_12315_wide.xlsx")
    assert refused.exit_code == 1
    assert "420500" in refused.stderr
    word = refused.stderr.strip().rpartition(" ")[2]
    before = stored(ComplaintCount, "accepted")
    assert before == (5, 1095)
    wrong = bring_in(ready, "complaints", "complaints_12315_wide.xlsx", "--confirm-losses", "abc")
    assert wrong.exit_code == 1
    assert stored(ComplaintCount, "accepted") == before
    done = bring_in(ready, "complaints", "complaints_12315_wide.xlsx", "--confirm-losses", word)
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0]["revisions"] == "2025-04 (2)"
    assert stored(ComplaintCount, "accepted") == (17, 1095 + 1203)


def test_who_delivers_needs_the_right_to(ready: Survey) -> None:
    for login, role, area in (
        ("li", "national_official", "CN"),
        ("wang", "city_official", "110000"),
    ):
        made = ready("user", "create", login, "--name", login, "--role", role, "--area", area)
        assert made.exit_code == 0, made.output
    for account in ("wang", "nobody"):
        refused = bring_in(ready, "opinion", "opinion_wide.csv", "--as", account)
        assert refused.exit_code == 1
    assert stored(Delivery, "row_count") == (0, None)
    with read_scope(current_settings().store_url) as session:
        assert session.exec(select(func.count()).select_from(Delivery)).one() == 0


@pytest.mark.parametrize(
    "arguments",
    [("weather", "opinion_wide.csv"), ("opinion", "absent.csv"),
     ("opinion", "opinion_wide.csv", "--mapping", "absent.json"),
     ("opinion", "opinion_wide.csv", "--data-as-of", "yesterday")],
)  # fmt: skip
def test_wrong_usage_is_no_refusal(ready: Survey, arguments: tuple[str, ...]) -> None:
    kind, file, *more = arguments
    assert bring_in(ready, kind, file, *more).exit_code == 2


def test_months_that_have_not_ended_are_refused(ready: Survey) -> None:
    result = bring_in(ready, "opinion", "opinion_wide.csv", "--data-as-of", "2025-04-01")
    assert result.exit_code == 1
    assert "2025-04-02" in result.stderr
    assert stored(Delivery, "row_count") == (0, None)


def test_a_list_of_activities_is_entered_by_who_keeps_the_register(
    ready: Survey, tmp_path: Path
) -> None:
    employ_person(current_settings().store_url, "suzhou", Role.CITY_OFFICIAL, "320500")
    heads = ",".join(column.key for column in build_template(ACTIVITIES).columns)
    cells = {
        "title": "防骗讲座", "place": "东湖社区", "held_on": "2025年3月5日", "form": "talk",
        "audience": "elderly", "participants": "120", "cost_fen": "1500.5",
    }  # fmt: skip
    file, problems = tmp_path / "year.csv", tmp_path / "problems.csv"
    good = ",".join(cells[column.key] for column in build_template(ACTIVITIES).columns)
    file.write_text(f"{heads}\n{good}\n{good.replace('120', 'many')}\n", "utf-8")
    options = ("--as", "suzhou", "--problems", str(problems))
    refused = bring_in(ready, "education", file, *options)
    assert refused.exit_code == 1, refused.stderr
    assert "many" in refused.stderr
    assert "many" in problems.read_text("utf-8-sig")
    assert stored(EducationActivity, "participants") == (0, None)
    file.write_text(f"{heads}\n{good}\n", "utf-8")
    assert bring_in(ready, "education", file).exit_code == 1, "the operator keeps no register"
    assert bring_in(ready, "education", file, *options, "--dry-run").exit_code == 0
    assert stored(EducationActivity, "participants") == (0, None)
    assert bring_in(ready, "education", file, *options).exit_code == 0
    again = bring_in(ready, "education", file, *options)
    assert json.loads(again.stdout)[0]["stored"] == 0
    assert "防骗讲座" in again.stderr
    assert stored(EducationActivity, "participants") == (1, 120)


@pytest.mark.parametrize(
    ("kind", "table", "line", "wrong", "named"),
    [
        (
            "bases", EducationBase,
            "苏州市,体验馆,展馆或博物馆,市级,2023年3月15日,,观前街1号,是,否,,12315", "国家二级",
            "体验馆",
        ),
        (
            "stations", ConsumerStation,
            "320505,观前站,2025年,维权服务站,景区,观前街1号,,6,48,120", "瞭望塔", "观前站",
        ),
    ],
)  # fmt: skip
def test_a_register_is_entered_by_command_whole_or_not_at_all(
    ready: Survey, tmp_path: Path, kind: str, table: Any, line: str, wrong: str, named: str
) -> None:
    employ_person(current_settings().store_url, "jiangsu", Role.PROVINCE_OFFICIAL, "32")
    register = FileKind(kind).register
    assert register is not None
    t = translator("zh")
    heads = ",".join(t(column.label) for column in build_template(register).columns)
    file, problems = tmp_path / "list.csv", tmp_path / "problems.csv"
    options = ("--as", "jiangsu", "--problems", str(problems))
    broken = line.replace("市级", wrong).replace("景区", wrong)
    file.write_text(f"{heads}\n{line}\n{broken}\n", "utf-8")
    refused = bring_in(ready, kind, file, *options)
    assert refused.exit_code == 1, refused.stderr
    assert wrong in refused.stderr
    assert wrong in problems.read_text("utf-8-sig")
    file.write_text(f"{heads}\n{line}\n", "utf-8")
    assert bring_in(ready, kind, file).exit_code == 1, "the operator keeps no register"
    assert bring_in(ready, kind, file, *options, "--dry-run").exit_code == 0
    assert stored(table, "lock_version") == (0, None)
    assert bring_in(ready, kind, file, *options).exit_code == 0
    again = bring_in(ready, kind, file, *options)
    assert (json.loads(again.stdout)[0]["stored"], named in again.stderr) == (0, True)
    assert stored(table, "lock_version") == (1, 1)
    # A list with a title, other heads and a word of its own, by the proposed mapping, corrected.
    other = line.replace(named, "第二处").replace("市级", "市一级").replace("景区", "风景区")
    file.write_text(f"名册（2025年）\n{heads.replace('地址', '详细地址')}\n{other}\n", "utf-8")
    assert bring_in(ready, kind, file, *options).exit_code == 1
    proposed = ready("evidence", "mapping", kind, str(file))
    assert "详细地址" in proposed.stderr
    codes = {"named_by": {"市一级": "city"}, "place": {"风景区": "scenic"}}
    mapping = tmp_path / "mapping.json"
    known = {column.key for column in build_template(register).columns}
    own = {key: code for key, code in codes.items() if key in known}
    mapping.write_text(json.dumps({**json.loads(proposed.stdout), "codes": own}), "utf-8")
    by_mapping = bring_in(ready, kind, file, *options, "--mapping", str(mapping))
    assert by_mapping.exit_code == 0, by_mapping.stderr
    assert stored(table, "lock_version") == (2, 2)


def test_a_file_of_a_province_replaces_that_province_alone(ready: Survey) -> None:
    url = current_settings().store_url
    employ_person(url, "hubei", Role.PROVINCE_OFFICIAL, "42")
    employ_person(url, "beijing", Role.PROVINCE_OFFICIAL, "11")
    refused = bring_in(ready, "complaints", "complaints_long.csv", "--area", "11")
    assert refused.exit_code == 1, "its places lie in another province"
    assert bring_in(ready, "complaints", "complaints_long.csv", "--as", "beijing").exit_code == 1
    assert stored(Delivery, "row_count") == (0, None)
    assert bring_in(ready, "complaints", "complaints_long.csv", "--as", "hubei").exit_code == 0
    # Said of the nation, it is another delivery of the same file.
    assert bring_in(ready, "complaints", "complaints_long.csv").exit_code == 0
    # The same file said of the same area is the same delivery, whoever sends it.
    assert bring_in(ready, "complaints", "complaints_long.csv", "--area", "42").exit_code == 0
    with read_scope(url) as session:
        areas = session.exec(select(Delivery.area)).all()
    assert sorted(areas) == ["42", "CN"]


def test_a_past_that_is_too_short_for_alarms_is_said(ready: Survey) -> None:
    assert json.loads(survey_alarms(ready).stdout) == []
    file = "complaint_cases_12315.csv"
    assert bring_in(ready, "complaint-week-cases", file).exit_code == 0
    listed = survey_alarms(ready)
    assert json.loads(listed.stdout) == []
    assert "131" in listed.stderr


def test_alarms_are_listed_for_machines(ready: Survey) -> None:
    assert ready("evidence", "alarms", "--as", "nobody").exit_code == 1
    planted = outbreaks.plant(outbreaks.build_counts(), outbreaks.WEEKS[-1:])
    outbreaks.store(current_settings().store_url, planted)
    (alarm,) = json.loads(survey_alarms(ready).stdout)
    assert [alarm[name] for name in ("area", "nature", "goods_class")] == list(outbreaks.KEY)
    assert (alarm["week"], alarm["count"], alarm["usual_least"]) == (outbreaks.NEWEST, 60, None)


def test_alarms_of_topics_are_listed_for_machines(ready: Survey) -> None:
    topics.store(current_settings().store_url, topics.plant(topics.build_days()))
    listed = ready("evidence", "alarms", "opinion", "--format", "json")
    assert listed.exit_code == 0, listed.output
    (alarm,) = json.loads(listed.stdout)
    assert (alarm["area"], alarm["topic"]) == topics.KEY
    assert (alarm["week"], alarm["count"]) == ("2025W09", 700)


def survey_alarms(survey: Survey) -> Result:
    result = survey("evidence", "alarms", "--format", "json")
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def sunscreens(ready: Survey) -> str:
    """Short name of a test of twenty sunscreens that are at the laboratory; `lin` runs it."""
    url = current_settings().store_url
    lin = employ_person(url, "lin", Role.NATIONAL_OFFICIAL, "CN")
    test = start(url, lin, ComparativeTestState.PLANNED, with_samples=False)
    test.change(set_grading_rules, lin, rules=sunscreen_rules())
    samples = [sample(f"F{number:02d}") for number in range(1, 21)]
    test.change(add_product_samples, lin, samples=samples)
    for state in (ComparativeTestState.BOUGHT, ComparativeTestState.AT_LABORATORY):
        test.change(advance_comparative_test, lin, to=state)
    return PLAN.key


def test_a_laboratory_file_becomes_the_values_of_a_test(
    ready: Survey, sunscreens: str, tmp_path: Path
) -> None:
    file, test = "test_values_sunscreens.xml", ("--test", sunscreens, "--as", "lin")
    proposed = ready("evidence", "mapping", "test-values", str(EXAMPLES / file), *test)
    assert proposed.exit_code == 0, proposed.stderr
    mapping = tmp_path / "mapping.json"
    mapping.write_text(proposed.stdout, "utf-8")
    assert json.loads(proposed.stdout)["columns"]["sample"] == "Sample id"
    by_lin = (*test, "--mapping", str(mapping))
    unnamed = bring_in(ready, "test-values", file, "--test", sunscreens)
    assert unnamed.exit_code == 1, "the operator runs no test"
    assert bring_in(ready, "test-values", file, *by_lin, "--dry-run").exit_code == 0
    assert stored(ProductMeasurement, "number") == (0, None)
    result = bring_in(ready, "test-values", file, *by_lin)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)[0] == {"kind": "test-values", "values": 60, "stored": 60}
    assert stored(ProductMeasurement, "number") == (60, 60)
    # The first values are there; what comes now is a correction or a retest, with its reason.
    assert bring_in(ready, "test-values", file, *by_lin).exit_code == 1
    again = (*by_lin, "--round", "retest")
    assert bring_in(ready, "test-values", file, *again).exit_code == 1
    assert bring_in(ready, "test-values", file, *again, "--reason", "企业请求复测。").exit_code == 0
    assert stored(ProductMeasurement, "number") == (120, 180)


def test_problems_of_a_laboratory_file_are_said_at_once(
    ready: Survey, sunscreens: str, tmp_path: Path
) -> None:
    file, problems = tmp_path / "lab.csv", tmp_path / "problems.csv"
    file.write_text(
        "样品号,检测项目,检测结果,检测日期\nF01,SPF值,50,2026-05-18\nF99,肤感,高,2026-05-18\n"
        "F02,肤感,90,2026-13-18\n",
        "utf-8",
    )
    options = ("--test", sunscreens, "--as", "lin", "--problems", str(problems))
    refused = bring_in(ready, "test-values", file, *options)
    assert refused.exit_code == 1
    assert "F99" in refused.stderr
    rows = list(csv.reader(problems.read_text("utf-8-sig").splitlines()))
    assert [row[1:4] for row in rows[1:]] == [
        ["3", "样品号", "F99"],
        ["4", "检测日期", "2026-13-18"],
    ]
    assert stored(ProductMeasurement, "number") == (0, None)
    missing = bring_in(ready, "test-values", file, "--test", "kettle-2026")
    assert (missing.exit_code, "kettle-2026" in missing.stderr) == (1, True)


def test_a_published_quarter_needs_no_mapping_and_is_no_month(
    ready: Survey, tmp_path: Path
) -> None:
    dry = bring_in(ready, "complaints", "published_quarter.csv", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert stored(PublishedTable, "is_demo")[0] == 0
    for _ in range(2):  # the same file again is the same
        result = bring_in(ready, "complaints", "published_quarter.csv", "--source", "某消费者协会")
        assert result.exit_code == 0, result.output
        record = json.loads(result.stdout)[0]
        assert (record["quarters"], record["sum"], record["stored"]) == ("2024-Q1", 40000, True)
    assert stored(PublishedTable, "is_demo")[0] == 2
    assert stored(ComplaintCount, "accepted") == (0, None)
    wrong, listed = tmp_path / "wrong.csv", tmp_path / "problems.csv"
    text = (EXAMPLES / "published_quarter.csv").read_text(encoding="utf-8")
    wrong.write_text(text.replace("31.75", "41.75"), encoding="utf-8")
    refused = bring_in(ready, "complaints", wrong, "--problems", str(listed))
    assert refused.exit_code == 1
    assert "41.75" in listed.read_text(encoding="utf-8-sig")
    lacking = tmp_path / "lacking.csv"
    nature = text.split("表2")[0].replace("计量,300,0.75,3.00\n", "")
    lacking.write_text(nature.replace("其他,800,2.00", "其他,1100,2.75"), encoding="utf-8")
    refused = bring_in(ready, "complaints", lacking)
    assert refused.exit_code == 1
    word = refused.output.split("--confirm-losses ")[1].split()[0]
    assert stored(PublishedTable, "is_demo")[0] == 2
    assert bring_in(ready, "complaints", lacking, "--confirm-losses", word).exit_code == 0
    assert stored(PublishedTable, "is_demo")[0] == 3
