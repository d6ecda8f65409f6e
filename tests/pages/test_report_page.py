"""Reports on pages: buttons for the own city, all cities in one archive, refusals."""

import io
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.fieldwork.importing.rejections import ImportCancelledError
from survey.publish.reports import report_archive
from survey.publish.reports.report_archive import make_archive
from survey.publish.reports.report_service import ReportFormat, read_report_waves
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry
from survey.ui.navigation import PageKey

OpenPage = Callable[..., AppTest]
SUZHOU = "320500"


@pytest.fixture
def store(frozen_waves: Settings, use_store: Callable[[Settings], None]) -> Settings:
    use_store(frozen_waves)
    return current_settings()


def keys_of(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def entries() -> list[str]:
    query = select(AuditEntry).where(AuditEntry.action == "export.report")
    with read_scope(current_settings().store_url) as session:
        return [str(entry.detail) for entry in session.exec(query)]


@pytest.mark.parametrize("page", [PageKey.CITY, PageKey.HOME])
def test_an_official_finds_the_report_of_the_own_city(
    store: Settings, open_page: OpenPage, fetch: Callable[[AppTest, str], bytes], page: PageKey
) -> None:
    app = open_page(page, Role.CITY_OFFICIAL)
    key = f"report/main-2024/city/{SUZHOU}/docx"
    assert {key, key.replace("docx", "pdf"), key.replace("docx", "pptx")} <= keys_of(app)
    before = len(entries())
    content = fetch(app, key)
    text = "\n".join(p.text for p in docx.Document(io.BytesIO(content)).paragraphs)
    assert "苏州消费者满意度测评报告" in text
    assert len(entries()) == before + 1


def test_the_export_page_offers_any_area(store: Settings, open_page: OpenPage) -> None:
    app = open_page(PageKey.EXPORT, Role.NATIONAL_OFFICIAL)
    assert "report/main-2024/nation/CN/docx" in keys_of(app)
    assert "reports/all" in keys_of(app)
    app = open_page(PageKey.EXPORT, Role.NATIONAL_OFFICIAL, **{"report-area": "320200"})
    assert "report/main-2024/city/320200/pdf" in keys_of(app)


def test_a_city_official_takes_the_own_report_and_the_tables_but_no_rows(
    store: Settings, open_page: OpenPage, fetch: Callable[[AppTest, str], bytes]
) -> None:
    app = open_page(PageKey.EXPORT, Role.CITY_OFFICIAL)
    assert f"report/main-2024/city/{SUZHOU}/docx" in keys_of(app)
    assert "reports/all" not in keys_of(app)
    assert not app.text_area
    assert "codebook/download" not in keys_of(app)
    book = openpyxl.load_workbook(io.BytesIO(fetch(app, "tables/download")), read_only=True)
    cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert {"苏州", "综合满意度"} <= cells


def test_an_archive_has_every_city_and_ends_when_cancelled(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = read_report_waves(store, "main-2024")
    whole = report_archive.list_report_cities(waves, OPERATOR, "zh")
    assert len(whole) == 100
    few = dict(list(whole.items())[:3])
    monkeypatch.setattr(report_archive, "list_report_cities", lambda *_: few)
    seen: list[tuple[int, int]] = []

    def make(tick: Callable[[int, int], None]) -> bytes:
        return make_archive(
            store, waves, principal=OPERATOR, form=ReportFormat.PDF, language="zh", tick=tick
        ).content

    first = make(lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert make(lambda _done, _total: None) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == [f"main-2024-city-{code}-zh.pdf" for code in few]

    def cancel(done: int, _total: int) -> None:
        if done == 1:
            raise ImportCancelledError

    with pytest.raises(ImportCancelledError):
        make(cancel)
