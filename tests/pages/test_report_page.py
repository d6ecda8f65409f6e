"""Reports on pages: buttons for the own city, all cities in one archive, refusals."""

import io
import os
import signal
import time
import zipfile
from collections.abc import Callable
from copy import copy
from dataclasses import replace

import docx
import openpyxl
import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.importing.rejections import ImportCancelledError
from survey.compute.worker import Worker
from survey.figures.drawing import CHART_PROCESS, ChartProcess
from survey.kit.navigation import PageKey
from survey.reports import report_batch
from survey.reports.contents import ReportKind
from survey.reports.report_batch import make_archive
from survey.reports.report_service import (
    ReportFormat,
    ReportOrder,
    make_report_file,
    read_report_waves,
)
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry, Shown, WaveState, new_id

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
    assert {key.replace("docx", "easy/pdf"), key.replace("docx", "large/docx")} <= keys_of(app)
    before = len(entries())
    content = fetch(app, key)
    text = "\n".join(p.text for p in docx.Document(io.BytesIO(content)).paragraphs)
    assert "苏州消费者满意度测评报告" in text
    assert len(entries()) == before + 1


def wait_for_charts() -> int:
    """Return the id of the process that draws charts, once it runs."""
    end = time.monotonic() + 60
    while CHART_PROCESS.process_id is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    return CHART_PROCESS.process_id


@pytest.mark.slow
@pytest.mark.parametrize("form", ReportFormat)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_is_the_same_whether_charts_are_drawn_beside_the_server_or_in_it(
    store: Settings, language: str, form: ReportFormat
) -> None:
    waves = read_report_waves(store, "main-2024")
    order = ReportOrder(ReportKind.CITY, SUZHOU, form, language)
    alone = make_report_file(store, waves, principal=OPERATOR, order=order)
    with CHART_PROCESS.allowed():
        CHART_PROCESS.start()
        process = wait_for_charts()
        beside = make_report_file(store, waves, principal=OPERATOR, order=order)
        assert CHART_PROCESS.process_id == process
    assert beside.content == alone.content


def test_a_reader_gets_the_report_when_the_process_of_charts_is_killed_meanwhile(
    store: Settings,
    open_page: OpenPage,
    fetch: Callable[[AppTest, str], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = f"report/main-2024/city/{SUZHOU}/docx"
    whole = fetch(open_page(PageKey.EXPORT, Role.CITY_OFFICIAL), key)
    assert CHART_PROCESS.process_id is None
    before, drawn = len(entries()), 0

    def kill_at_the_second(worker: Worker, function: Callable[..., str], part: object) -> object:
        nonlocal drawn
        drawn += 1
        if drawn == 2:
            os.kill(worker.process_id, signal.SIGKILL)
        return apply(worker, function, part)

    apply = Worker.apply
    with CHART_PROCESS.allowed():
        app = open_page(PageKey.EXPORT, Role.CITY_OFFICIAL)
        wait_for_charts()
        # Behind the chart that is drawn ahead: the process is ready then.
        CHART_PROCESS.draw({"mark": "point", "data": {"values": []}})
        monkeypatch.setattr(Worker, "apply", kill_at_the_second)
        assert fetch(app, key) == whole
        assert drawn == 2
        assert CHART_PROCESS.process_id is None
        # The next one who opens the form has a process again.
        monkeypatch.undo()
    assert len(entries()) == before + 1


def test_nothing_is_drawn_of_an_area_that_is_not_ones_own(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise AssertionError

    monkeypatch.setattr(ChartProcess, "draw", fail)
    reader = Principal(new_id(), "reader", Role.CITY_OFFICIAL, "420100")
    waves = read_report_waves(store, "main-2024")
    results = copy(waves.results)
    results.wave = replace(results.wave, state=WaveState.FROZEN, shown=Shown.NOTHING)
    order = ReportOrder(ReportKind.CITY, SUZHOU, ReportFormat.PDF, "zh")
    with pytest.raises(AccessDeniedError):
        make_report_file(store, replace(waves, results=results), principal=reader, order=order)


def test_the_export_page_offers_any_area(store: Settings, open_page: OpenPage) -> None:
    app = open_page(PageKey.EXPORT, Role.NATIONAL_OFFICIAL)
    assert "report/main-2024/nation/CN/docx" in keys_of(app)
    assert "report/main-2024/nation/CN/large/pdf" in keys_of(app)
    assert "report/main-2024/nation/CN/easy/pdf" not in keys_of(app)
    assert "report/main-2024/method/CN/pdf" in keys_of(app)
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


@pytest.mark.slow
def test_an_archive_has_every_city_and_ends_when_cancelled(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = read_report_waves(store, "main-2024")
    whole = report_batch.list_report_cities(waves, OPERATOR, "zh")
    assert len(whole) == 100
    few = dict(list(whole.items())[:3])
    monkeypatch.setattr(report_batch, "list_report_cities", lambda *_: few)
    seen: list[tuple[int, int]] = []

    def make(tick: Callable[[int, int], None]) -> bytes:
        return make_archive(
            store, waves, principal=OPERATOR, form=ReportFormat.PDF, language="zh", tick=tick
        ).content

    first = make(lambda done, total: seen.append((done, total)))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert make(lambda _done, _total: None) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == [
            *(f"main-2024-city-{code}-zh.pdf" for code in few),
            "main-2024-method-CN-zh.pdf",
        ]

    def cancel(done: int, _total: int) -> None:
        if done == 1:
            raise ImportCancelledError

    with pytest.raises(ImportCancelledError):
        make(cancel)
