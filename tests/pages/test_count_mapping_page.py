"""Files of counts in any layout on the page of outside data: read, corrected, kept, stored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select
from streamlit.testing.v1 import AppTest

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, ComplaintCount, Delivery, ImportMapping, OpinionCount

EXAMPLES = PROJECT_ROOT / "seed" / "context" / "examples"
SECRETS = ("虚构人", "1390000000", "京A00001", "示例文字", "虚构商行")
Visit = Callable[..., AppTest]
Read = Callable[[AppTest], str]


@pytest.fixture
def official(employ: Callable[[Role, str], Principal]) -> Principal:
    return employ(Role.NATIONAL_OFFICIAL, "CN")


def hand_in(app: AppTest, name: str, content: bytes) -> AppTest:
    app.file_uploader[0].set_value((name, content, "text/csv")).run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(each for each in app.button if each.label == label).click().run()
    assert not app.exception
    return app


def stored(url: str, table: type, column: str) -> tuple[int, int | None]:
    with read_scope(url) as session:
        return session.exec(select(func.count(), func.sum(getattr(table, column)))).one()


@pytest.mark.parametrize(
    ("file", "query", "rows", "total"),
    [
        ("complaints_12315_wide.xlsx", {"kind": "complaints"}, 12, 1203),
        ("complaints_long.csv", {"kind": "complaints"}, 5, 1095),
        ("complaint_cases_12315.csv", {"kind": "complaints", "rows": "cases"}, 5, 4),
        ("complaint_cases_cfpb.csv", {"kind": "complaints", "rows": "cases"}, 4, 4),
        ("opinion_long.csv", {"kind": "opinion"}, 18, 1761),
        ("opinion_wide.csv", {"kind": "opinion"}, 18, 1761),
    ],
)
def test_every_layout_goes_from_upload_to_stored_counts(
    field: Any, visit_as: Visit, official: Principal, read: Read,
    file: str, query: dict[str, str], rows: int, total: int,
) -> None:  # fmt: skip
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", **query)
    hand_in(app, file, (EXAMPLES / file).read_bytes())
    assert not any(secret in read(app) for secret in SECRETS)
    table, column = (
        (OpinionCount, "items") if query["kind"] == "opinion" else (ComplaintCount, "accepted")
    )
    assert stored(field.url, table, column) == (0, None)
    app.text_input(key="outside/source").set_value("某省消委会")
    press(app, "写入这次报送")
    assert stored(field.url, table, column) == (rows, total)


def test_a_wrong_total_is_said_before_the_columns(
    visit_as: Visit, official: Principal, read: Read
) -> None:
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints")
    text = (EXAMPLES / "complaints_long.csv").read_text(encoding="utf-8-sig")
    hand_in(app, "total.csv", text.replace(",1070,", ",1071,").encode())
    assert "7 行中有 1 处问题" in read(app)
    assert "1071" in read(app)
    assert "没有用到的列：联系电话" in read(app)
    assert not any(each.label == "写入这次报送" for each in app.button)


def test_a_text_without_a_code_is_given_one_and_the_mapping_is_kept(
    field: Any, visit_as: Visit, official: Principal, read: Read
) -> None:
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints")
    text = (EXAMPLES / "complaints_long.csv").read_text(encoding="utf-8-sig")
    content = text.replace(",质量,", ",质差,").encode()
    hand_in(app, "own.csv", content)
    assert "7 行中有 2 处问题" in read(app)
    next(each for each in app.selectbox if each.label == "投诉性质: 质差").select("quality").run()
    press(app, "按此读取文件")
    assert "5 条件数检查无误" in app.success[0].value
    app.text_input(key="outside/mapping-name").set_value("某市月报").run()
    app.button(key="outside/mapping-save").click().run()
    assert not app.exception
    with read_scope(field.url) as session:
        (kept,) = session.exec(select(ImportMapping))
        assert (kept.name, kept.instrument_name) == ("某市月报", "counts:complaints")
        assert "mapping.saved" in session.exec(select(AuditEntry.action)).all()

    # Another day, the same layout.
    later = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints")
    next(each for each in later.selectbox if each.label == "列对应表").select("某市月报").run()
    hand_in(later, "own.csv", content)
    assert "5 条件数检查无误" in later.success[0].value
    later.text_input(key="outside/source").set_value("某市消协")
    press(later, "写入这次报送")
    assert stored(field.url, ComplaintCount, "accepted") == (5, 1095)


def test_the_column_of_a_number_is_corrected(
    field: Any, visit_as: Visit, official: Principal, read: Read
) -> None:
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints")
    content = "期间,地区,性质,类别,受理,受理,解决\n2025-04,苏州,质量,食品,10,99,8\n".encode()
    hand_in(app, "twice.csv", content)
    assert "文件缺少列：受理件数" in read(app)
    next(each for each in app.selectbox if each.label == "受理件数").select("受理 (2)").run()
    press(app, "按此读取文件")
    app.text_input(key="outside/source").set_value("某市消协")
    press(app, "写入这次报送")
    assert stored(field.url, ComplaintCount, "accepted") == (1, 99)
    assert stored(field.url, Delivery, "row_count") == (1, 1)


def test_single_complaints_are_asked_for_by_their_kind(
    field: Any, visit_as: Visit, official: Principal, read: Read, tmp_path: Path
) -> None:
    app = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints")
    content = (EXAMPLES / "complaint_cases_12315.csv").read_bytes()
    hand_in(app, "cases.csv", content)
    assert "这个文件是逐件投诉清单" in read(app)
    assert not any(secret in read(app) for secret in SECRETS)
    wrong = content.decode("utf-8-sig").replace("320505", "虚构人丙 13900000003").encode()
    cases = visit_as(PageKey.OUTSIDE_DATA, official, lang="zh", kind="complaints", rows="cases")
    hand_in(cases, "wrong.csv", wrong)
    assert "5 行中有 1 处问题" in read(cases)
    assert not any(secret in read(cases) for secret in SECRETS)
    assert stored(field.url, ComplaintCount, "accepted") == (0, None)
