"""Freezing: the preview warns of a city of two interviews; one wave is not taken for another."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from survey.access.principal import OPERATOR
from survey.locale import translator
from survey.results import open_results
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import WaveState
from tests.journeys.app_page import wait_until_idle
from tests.journeys.staff import sign_in_administrator
from tests.server_process import Server, serious_problems
from tests.small_waves import KEY, SmallWave, add_wave, small_wave, store_people

zh = translator("zh")
DESK = {"width": 1440, "height": 900}
BEIJING, SUZHOU = "110000", "320500"
NAME = f"小 ({KEY})"
LATER, LATEST = "later-2027", "latest-2028"


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallWave]:
    """Beijing with 40 approved interviews, Suzhou with two, and newer waves beside this one."""
    made = small_wave(tmp_path_factory.mktemp("freezing"))
    store_people(made, {BEIJING: 40, SUZHOU: 2})
    for key, year in ((LATER, 2027), (LATEST, 2028)):
        store_people(add_wave(made, key, year), {BEIJING: 30})
    yield made
    dispose_engines()


@pytest.fixture(scope="module")
def server(wave: SmallWave) -> Iterator[Server]:
    running = Server(wave.settings.data_dir, SURVEY_DEMO="0")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def desk(browser: Browser, wave: SmallWave, server: Server) -> Iterator[Page]:
    """The computer of the only administrator."""
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=server.url)
    sign_in_administrator(context, wave.settings, server.url)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_the_city_of_two_interviews_is_left_out_and_the_other_is_shown(
    wave: SmallWave, desk: Page
) -> None:
    desk.goto(f"/plan?wave={KEY}&part=freeze")
    wait_until_idle(desk)
    desk.locator(".st-key-plan-preview button").click()
    expect(desk.get_by_text(zh("The preview is ready. Nothing was stored."))).to_be_visible(
        timeout=60_000
    )
    warning = zh(
        "If {small} were left out, these would be shown: {cities}.", small="苏州", cities="北京"
    )
    expect(desk.get_by_text(warning)).to_be_visible()
    assert serious_problems(desk, within=".stMainBlockContainer") == []

    desk.locator(".st-key-plan-preview button").click()
    at_work = desk.get_by_text(zh("Preview") + "：")
    expect(at_work).to_be_visible()
    desk.locator(f".st-key-plan-leave-out-{SUZHOU} button").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text(NAME)
    dialog.get_by_role("textbox").fill("只有两份问卷")
    # A preview that ends meanwhile neither closes the dialog nor loses what is typed.
    expect(at_work).to_have_count(0, timeout=60_000)
    expect(dialog.get_by_role("textbox")).to_have_value("只有两份问卷")
    desk.locator(".st-key-plan-move-leave-out button").dblclick()
    expect(desk.get_by_text(zh("{city} is left out.", city="苏州"))).to_be_visible()
    expect(desk.get_by_text(warning)).to_have_count(0, timeout=60_000)

    desk.locator(".st-key-plan-step-frozen button").click()
    expect(dialog).to_contain_text(zh("This cannot be undone."))
    expect(dialog).to_contain_text(zh("Left out of the wave: {cities}.", cities="苏州"))
    final = zh(
        "{count} approved interviews become final: nothing of them can be changed any more.",
        count="40",
    )
    expect(dialog).to_contain_text(final)
    dialog.get_by_role("textbox").fill(LATER)
    desk.locator(".st-key-plan-move-frozen button").click()
    wrong = zh("This is not the name of the wave. Please type {key}, or its title.", key=KEY)
    expect(dialog.get_by_text(wrong)).to_be_visible()
    dialog.get_by_role("textbox").fill(KEY)
    desk.locator(".st-key-plan-move-frozen button").click()
    expect(desk.get_by_text(zh("The wave is frozen for good."))).to_be_visible(timeout=60_000)
    assert f"wave={KEY}" in desk.url

    with read_scope(wave.settings.store_url) as session:
        assert wave.read(session).state is WaveState.FROZEN
        results = open_results(wave.settings, session, KEY)
    cells = results.cells(OPERATOR, area_level="city", group="all", indicator="composite")
    assert [(str(row.area), bool(row.shown)) for row in cells.itertuples()] == [(BEIJING, True)]


def test_a_wave_is_frozen_while_another_lies_open_beside_it(wave: SmallWave, desk: Page) -> None:
    """Two addresses of one session: neither page turns to the other's wave, whatever happens."""
    beside = desk.context.new_page()
    for page, key in ((desk, LATER), (beside, LATEST)):
        page.goto(f"/plan?wave={key}")
        page.locator(".st-key-plan-step-frozen button").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"{key} ({key})")
    for page, key, other in ((desk, LATER, LATEST), (beside, LATEST, LATER)):
        page.get_by_role("dialog").get_by_role("textbox").fill(other)
        page.locator(".st-key-plan-move-frozen button").click()
        wrong = zh("This is not the name of the wave. Please type {key}, or its title.", key=key)
        expect(page.get_by_role("dialog").get_by_text(wrong)).to_be_visible()

    desk.get_by_role("dialog").get_by_role("textbox").fill(LATER)
    desk.locator(".st-key-plan-move-frozen button").click()
    beside.keyboard.press("Escape")
    beside.get_by_role("tab", name=zh("People")).click()
    frozen = zh(
        "{wave}: {message}", wave=f"{LATER} ({LATER})", message=zh("The wave is frozen for good.")
    )
    expect(desk.get_by_text(frozen)).to_be_visible()
    beside.get_by_role("tab", name=zh("Freeze and release")).click()
    wait_until_idle(beside)
    for page, key in ((desk, LATER), (beside, LATEST)):
        assert f"wave={key}" in page.url
        expect(page.get_by_role("combobox", name=zh("Wave"))).to_have_value(f"{key} ({key})")
    expect(beside.get_by_text(LATER)).to_have_count(0)

    beside.locator(".st-key-plan-step-open button").click()
    expect(beside.get_by_role("dialog")).to_contain_text(f"{LATEST} ({LATEST})")
    beside.locator(".st-key-plan-move-open button").dblclick()
    opened = zh(
        "{wave}: {message}", wave=f"{LATEST} ({LATEST})", message=zh("The wave is open again.")
    )
    expect(beside.get_by_text(opened)).to_be_visible()
    wait_until_idle(beside)
    # The second press of the double click is silent.
    expect(beside.get_by_text(zh("Nothing was changed."))).to_have_count(0)
    with read_scope(wave.settings.store_url) as session:
        states = [SmallWave(wave.settings, key).read(session).state for key in (LATER, LATEST)]
    assert states == [WaveState.FROZEN, WaveState.OPEN]

    beside.goto("/plan?wave=later-2O27")
    expect(beside.get_by_text(zh("There is no wave {key}.", key="later-2O27"))).to_be_visible()
    expect(beside.locator(".st-key-plan-steps button")).to_have_count(0)
