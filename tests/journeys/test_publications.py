"""What the association publishes, in the browser: releases, reports, rows, and who checks them."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from docx import Document
from playwright.sync_api import Browser, Download, Page, TimeoutError, expect
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.estimate.tree import COMPOSITE
from survey.frame.quotas import EVERYONE
from survey.locale import translator
from survey.release.signing_keys import add_key_to_file, format_key_list, list_keys, register_key
from survey.results import open_results
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import AuditEntry, Publication, PublicationState, Wave, now
from tests.journeys.app_page import choose_option, wait_until_idle
from tests.journeys.staff import sign_in_staff
from tests.server_process import Server
from tests.work_of import work_of

zh = translator("zh")
WAVE, CITY = "main-2024", "320500"
RELEASED_WAVE = "main-2023"
"""Taken for a real one, since a single person releases a wave of the demonstration."""
RELEASE, CORRECTION = f"{RELEASED_WAVE}-1", f"{RELEASED_WAVE}-2"
DESK = {"width": 1440, "height": 900}

Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def desk_server(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demonstration at a hundredth of its size, with a key to sign releases."""
    with serve_with_key(small_demo, tmp_path_factory.mktemp("publications") / "demo") as server:
        yield server


@pytest.fixture(scope="module")
def release_server(frozen_pair: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two waves of ten cities of which every hidden count was audited when they were frozen."""
    with serve_with_key(frozen_pair, tmp_path_factory.mktemp("releases") / "demo") as server:
        yield server


@contextmanager
def serve_with_key(source: Path, folder: Path) -> Iterator[Server]:
    shutil.copytree(source, folder)
    key_file = folder.parent / "release.key"
    key = add_key_to_file(key_file)
    with session_scope(store_of(folder).store_url) as session:
        register_key(work_of(session, OPERATOR, now()), public_key=key.public_bytes)
        wave = session.exec(select(Wave).where(Wave.key == RELEASED_WAVE)).one()
        wave.is_demo = False
        session.add(wave)
    server = Server(folder, SURVEY_RELEASE_KEY_FILE=str(key_file))
    server.start()
    yield server
    server.stop()
    dispose_engines()


def store_of(folder: Path) -> Settings:
    return Settings(data_dir=folder, database_url="", demo=True)


@pytest.fixture
def enter(enter_at: Callable[..., Page], desk_server: Server) -> Enter:
    """`enter(page, login, role, area)`: a page of the platform before somebody's own account."""
    return partial(enter_at, desk_server)


@pytest.fixture
def enter_at(browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts = []

    def open_page(server: Server, path: str, login: str, role: Role, area: str = NATION) -> Page:
        context = browser.new_context(viewport=DESK, locale="zh-CN", accept_downloads=True)
        contexts.append(context)
        sign_in_staff(context, store_of(server.data_dir), server.url, login, role, area)
        page = context.new_page()
        visit(page, f"{server.url}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()


def visit(page: Page, url: str) -> None:
    page.goto(url)
    wait_until_idle(page)


def take(page: Page, name: str) -> Download:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).first.click()
    return download.value


def announce(page: Page, title: str, *, corrects: str = "", reason: str = "") -> None:
    """Fill in the form that announces a release for a day far ahead."""
    choose_option(page.get_by_role("combobox", name=zh("Wave")), "2023年")
    wait_until_idle(page)
    fields = {
        zh("Chinese title"): title,
        zh("English title"): "Results of 2023",
        zh("Contact"): "新闻处 12315",
    }
    if corrects:
        fields[zh("Reason of the correction: {release} stands", release=corrects)] = reason
    page.get_by_test_id("stDateInput").get_by_role("spinbutton").first.click()
    page.keyboard.type(f"{now().year + 1}1231")
    for label, text in fields.items():
        page.get_by_label(label, exact=True).last.fill(text)
    page.get_by_role("button", name=zh("Announce"), exact=True).click()
    expect(page.get_by_text(zh("The release is announced. Next it is signed."))).to_be_visible()


def let_days_pass(folder: Path, key: str) -> None:
    """Move announcement and minute into the past, as they are some days later."""
    with session_scope(store_of(folder).store_url) as session:
        release = session.exec(select(Publication).where(Publication.key == key)).one()
        release.planned_at = now() - timedelta(days=3)
        release.embargo_until = now() - timedelta(minutes=5)
        session.add(release)


def sign(page: Page, key: str) -> None:
    choose_release(page, key)
    page.locator(f".st-key-releases-sign-{key} button").click()
    expect(page.get_by_text("您已签署").first).to_be_visible()


def choose_release(page: Page, key: str) -> None:
    """Choose a release where there are several."""
    box = page.locator(".st-key-release-zh")
    if box.count():
        choose_option(box.get_by_role("combobox"), key)
        wait_until_idle(page)


@contextmanager
def hold_writes(folder: Path) -> Iterator[None]:
    """Let nobody else write to the store within the block, as on a slow day."""
    with closing(sqlite3.connect(folder / "survey.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def publish(page: Page, folder: Path, key: str) -> None:
    choose_release(page, key)
    page.get_by_role("button", name=zh("Publish"), exact=True).first.click()
    field = page.get_by_label(zh("Type {release} to confirm", release=key))
    field.fill("some other one")
    page.locator(f".st-key-releases-publish-{key} button").click()
    # Said where it was pressed: the top of the page may be out of sight.
    refusal = zh("Please type {release} to confirm.", release=key)
    expect(page.get_by_test_id("stPopoverBody").get_by_text(refusal)).to_be_visible()
    field.fill(key)
    field.press("Tab")
    wait_until_idle(page)
    # The message about the signature is gone by now; what was opened below it stays open.
    expect(field).to_be_visible()
    with hold_writes(folder):
        # The second press comes while the first is being handled: Streamlit gives it a thread of
        # its own, and stops the first one after its commit, before it has said so.
        for _ in range(2):
            page.locator(f".st-key-releases-publish-{key} button").click()
            page.wait_for_timeout(500)
    expect(page.get_by_text(zh("{release} is published.", release=key))).to_be_visible()
    wait_until_idle(page)
    # What stands in its place now is not open, and the second press of the double click is silent.
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.get_by_text(zh("Nothing was changed."))).to_have_count(0)


def state_of(folder: Path, key: str) -> PublicationState:
    with read_scope(store_of(folder).store_url) as session:
        query = select(Publication.state).where(Publication.key == key)
        return PublicationState(session.exec(query).one())


def test_two_people_release_a_stranger_checks_it_and_it_is_corrected(
    enter_at: Callable[..., Page], release_server: Server, tmp_path: Path
) -> None:
    folder, enter = release_server.data_dir, partial(enter_at, release_server)
    first = enter("releases", "wang", Role.NATIONAL_OFFICIAL)
    second = enter("releases", "zhao", Role.ADMINISTRATOR)
    announce(first, "2023年测评结果")
    let_days_pass(folder, RELEASE)
    visit(first, f"{release_server.url}/releases")
    sign(first, RELEASE)
    assert state_of(folder, RELEASE) is PublicationState.PLANNED, "one signature is not enough"
    visit(second, f"{release_server.url}/releases")
    sign(second, RELEASE)
    publish(second, folder, RELEASE)
    assert state_of(folder, RELEASE) is PublicationState.PUBLISHED

    reader = enter("releases", "li", Role.CITY_OFFICIAL, CITY)
    expect(reader.get_by_text("2023年测评结果").first).to_be_visible()
    expect(reader.get_by_role("button", name=zh("Announce"), exact=True)).to_have_count(0)
    archive = tmp_path / "release.zip"
    take(reader, zh("Files of the release")).save_as(archive)
    check_as_a_stranger(folder, archive, tmp_path / "stranger")

    visit(first, f"{release_server.url}/releases")
    announce(first, "2023年测评结果（更正）", corrects=RELEASE, reason="表3漏了一个城市")
    let_days_pass(folder, CORRECTION)
    visit(first, f"{release_server.url}/releases")
    sign(first, CORRECTION)
    visit(second, f"{release_server.url}/releases")
    sign(second, CORRECTION)
    publish(second, folder, CORRECTION)
    assert state_of(folder, CORRECTION) is PublicationState.PUBLISHED
    assert state_of(folder, RELEASE) is PublicationState.CORRECTED
    visit(reader, f"{release_server.url}/releases")
    choose_release(reader, CORRECTION)
    expect(reader.get_by_text(f"{RELEASE}: 表3漏了一个城市").first).to_be_visible()


def check_as_a_stranger(folder: Path, archive: Path, home: Path) -> None:
    """Run the script out of the archive on the archive, whole and with one changed byte."""
    home.mkdir()
    keys = home / "release-keys.json"
    with read_scope(store_of(folder).store_url) as session:
        keys.write_bytes(format_key_list(list_keys(work_of(session, OPERATOR)), {}, {}))
    with ZipFile(archive) as release:
        release.extractall(home / "release")
    script = home / "verify.py"
    shutil.copy(home / "release" / "verify.py", script)

    def check(file: Path) -> tuple[int, str]:
        # Isolated and without the environment: neither our packages nor our settings.
        run = subprocess.run(
            [sys.executable, "-I", str(script), "--keys", str(keys), str(file)],
            capture_output=True, text=True, check=False, cwd=home, env={},
        )  # fmt: skip
        return run.returncode, run.stdout + run.stderr

    code, text = check(archive)
    assert code == 0, text
    figures = home / "release" / "figures.csv"
    assert check(figures)[0] == 0
    content = bytearray(figures.read_bytes())
    content[-5] ^= 1
    figures.write_bytes(content)
    code, text = check(figures)
    assert code == 1
    assert "figures.csv" in text


def shown_city(folder: Path) -> tuple[str, str]:
    """Return a city whose score is shown at this size, and the score as it is written."""
    settings = store_of(folder)
    with read_scope(settings.store_url) as session:
        cells = open_results(settings, session, WAVE).cells(
            OPERATOR, area_level="city", group=EVERYONE, indicator=COMPOSITE
        )
    row = cells[cells["shown"].astype(bool) & cells["estimate"].notna()].iloc[0]
    return str(row["area"]), f"{float(row['estimate']):.1f}"


def test_a_city_official_opens_the_word_report_of_the_page(
    enter: Enter, desk_server: Server, tmp_path: Path
) -> None:
    city, score = shown_city(desk_server.data_dir)
    page = enter(f"city?city={city}&wave={WAVE}", f"li-{city}", Role.CITY_OFFICIAL, city)
    expect(page.get_by_text(score, exact=True).first).to_be_visible()
    file = tmp_path / "report.docx"
    take(page, zh("Report (Word)")).save_as(file)
    document = Document(str(file))
    words = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert score in words
    assert "演示数据" in words
    assert len(document.inline_shapes) >= 2
    with read_scope(store_of(desk_server.data_dir).store_url) as session:
        query = select(AuditEntry).where(AuditEntry.action == AuditEvent.EXPORT_REPORT.value)
        assert [entry.detail["area"] for entry in session.exec(query)] == [city]


def test_reports_of_all_cities_are_cancelled_and_rows_stay_until_signing_out(
    enter: Enter, desk_server: Server
) -> None:
    page = enter(f"export?wave={WAVE}&report-wave={WAVE}", "qian", Role.ANALYST)
    cancelled = page.get_by_text(zh("The reports were cancelled."))
    for _ in range(5):  # The few reports of this wave may be done before a slow browser shows it.
        page.get_by_role("button", name=zh("Make the reports of all cities")).click()
        with suppress(TimeoutError):
            page.get_by_role("progressbar").first.wait_for(timeout=10_000)
            page.get_by_role("button", name=zh("Cancel"), exact=True).click(timeout=5_000)
            # Or between the press and the next report.
            cancelled.wait_for(timeout=20_000)
            break
    expect(cancelled).to_be_visible()
    wait_until_idle(page)

    page.locator(".st-key-export-purpose textarea").fill("核对老年受访者的得分")
    page.get_by_role("button", name=zh("Make the file"), exact=True).first.click()
    button = page.locator(".st-key-export-download").get_by_role("button")
    expect(button).to_be_visible()
    visit_by_link(page, "方法说明")
    page.go_back()
    expect(page.get_by_role("heading", name="报告与导出", level=1)).to_be_visible()
    with page.expect_download() as download:
        button.click()
    assert Path(download.value.path()).stat().st_size > 10_000
    page.get_by_text(zh("Sign out"), exact=True).first.click()
    page.wait_for_url(f"{desk_server.url}/**")
    visit_again = page.context.new_page()
    visit_again.goto(f"{desk_server.url}/export")
    expect(visit_again.get_by_text("请先登录")).to_be_visible()


def visit_by_link(page: Page, name: str) -> None:
    """Go to another page in the menu, in the same Streamlit session."""
    page.get_by_test_id("stSidebarNav").get_by_text(name).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    wait_until_idle(page)
