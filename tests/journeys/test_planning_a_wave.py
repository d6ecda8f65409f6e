"""An administrator plans a wave, mends a list of points, draws from it and opens the wave."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.frame.city_frame import shipped_cities
from survey.frame.workbook_io import WorkbookSheet, write_workbook
from survey.locale import translator
from survey.questionnaire.indicator_tree import read_tree
from survey.settings import PROJECT_ROOT
from survey.store.engine import read_scope, session_scope
from survey.store.tables import PointDraw, SamplingPoint, WaveState, now
from survey.waves.instruments import save_tree
from survey.waves.planning.sampling_points import point_list_template
from survey.waves.waves import close_wave, get_wave
from tests.journeys.app_page import upload_file, wait_until_idle
from tests.journeys.staff import sign_in_administrator
from tests.server_process import LivePlatform, serious_problems
from tests.work_of import work_of

zh = translator("zh")
KEY = "journey-2027"
DESK = {"width": 1440, "height": 900}
SLOW = 60_000
"""Milliseconds that a busy machine may take to compute a plan of a hundred cities."""


@pytest.fixture
def desk(browser: Browser, live_server: LivePlatform) -> Iterator[Page]:
    """The administrator's computer."""
    with session_scope(live_server.settings.store_url) as session:
        tree = PROJECT_ROOT / "seed" / "trees" / "cca-2023.csv"
        save_tree(session=session, tree=read_tree(tree, name=tree.stem))
    context = browser.new_context(viewport=DESK, locale="zh-CN")
    sign_in_administrator(context, live_server.settings, live_server.url)
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()
    # The other journeys begin on the newest open wave.
    with session_scope(live_server.settings.store_url) as session:
        close_wave(work_of(session, OPERATOR, now()), key=KEY)


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)


def _list_of_points(path: Path, *, kind: str) -> Path:
    """Four points in each of three cities; the very first has the given kind."""
    cities = shipped_cities()[:3]
    rows = [
        [
            city.name_zh,
            f"{city.code}-p{place}",
            f"P{place}",
            kind if city is cities[0] and place == 0 else "mall",
            "rural" if place == 3 else "urban",
            None,
            None,
            None,
        ]
        for city in cities
        for place in range(4)
    ]
    sheet = point_list_template(list(shipped_cities()), "zh")
    path.write_bytes(write_workbook([WorkbookSheet(sheet.name, sheet.columns, rows)], "zh"))
    return path


def test_a_wave_is_planned_drawn_and_opened(
    live_server: LivePlatform, desk: Page, tmp_path: Path
) -> None:
    url, store = live_server.url, live_server.settings.store_url
    _open(desk, f"{url}/plan?wave=new")
    desk.get_by_text(zh("English title and short name (may stay empty)")).click()
    desk.get_by_role("textbox", name=zh("Short name")).fill(KEY)
    desk.get_by_role("textbox", name=zh("Title (Chinese)")).fill("二〇二七年测评")
    desk.get_by_role("textbox", name=zh("Title (English)")).fill("Survey 2027")
    questionnaire = desk.get_by_role("combobox", name=zh("Questionnaire"))
    questionnaire.fill(live_server.instrument.name)
    wanted = f"{live_server.instrument.name} {live_server.instrument.version}"
    desk.get_by_role("option", name=wanted).click()
    desk.locator(".st-key-plan-save-wave button").click()
    expect(
        desk.get_by_text(zh("The wave {wave} is saved.", wave=f"二〇二七年测评 ({KEY})"))
    ).to_be_visible()

    _open(desk, f"{url}/plan?wave={KEY}&part=sample")
    expect(desk.locator(".hcs-answer .number")).to_have_text("62,000")
    assert serious_problems(desk, within=".stMainBlockContainer") == []
    desk.locator(".st-key-plan-save-sample button").click()
    saved = zh("The plan is saved: city targets and quotas are set.")
    expect(desk.get_by_text(saved)).to_be_visible()

    _open(desk, f"{url}/plan?wave={KEY}&part=points&list=workbook")
    upload_file(desk, _list_of_points(tmp_path / "wrong.xlsx", kind="castle"))
    reason = desk.locator("[data-testid=stTable]").get_by_text("castle")
    expect(reason).to_be_visible()
    expect(desk.locator(".st-key-points-draw")).to_have_count(0)
    _open(desk, f"{url}/plan?wave={KEY}&part=points&list=workbook")
    upload_file(desk, _list_of_points(tmp_path / "right.xlsx", kind="village"))
    desk.locator(".st-key-points-draw button").click()
    expect(desk.get_by_text(zh("The points are drawn and stored."))).to_be_visible()

    _open(desk, f"{url}/plan?wave={KEY}")
    desk.locator(".st-key-plan-step-open button").click()
    expect(desk.get_by_role("dialog")).to_contain_text(f"二〇二七年测评 ({KEY})")
    desk.locator(".st-key-plan-move-open button").click()
    expect(desk.get_by_text(zh("The wave is open: interviews can be collected."))).to_be_visible()
    expect(desk.get_by_role("dialog")).to_have_count(0)
    assert f"wave={KEY}" in desk.url

    with read_scope(store) as session:
        wave = get_wave(session=session, key=KEY)
        drawn = session.exec(select(PointDraw).where(PointDraw.wave_id == wave.id)).one()
        points = session.exec(select(SamplingPoint).where(SamplingPoint.wave_id == wave.id)).all()
    assert wave.state is WaveState.OPEN
    assert (drawn.listed, drawn.drawn) == (12, len(points)) == (12, 12)
    assert all(point.target > 0 for point in points)
