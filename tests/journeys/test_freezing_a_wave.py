"""Before a freeze: the preview warns of a city of two interviews, which is left out."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.access.secret_hashes import digest, new_token
from survey.access.sessions import COOKIE
from survey.locale import translator
from survey.results import open_results
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, LoginSession, WaveState, now
from tests.server_process import Server, serious_problems
from tests.small_waves import KEY, SmallWave, add_wave, small_wave, store_people

zh = translator("zh")
DESK = {"width": 1440, "height": 900}
BEIJING, SUZHOU = "110000", "320500"
NAME = f"小 ({KEY})"


@pytest.fixture
def wave(tmp_path: Path) -> Iterator[SmallWave]:
    """Beijing with 40 approved interviews, Suzhou with two, and a newer wave beside this one."""
    made = small_wave(tmp_path)
    store_people(made, {BEIJING: 40, SUZHOU: 2})
    add_wave(made, "later-2027", 2027)
    yield made
    dispose_engines()


@pytest.fixture
def desk(browser: Browser, wave: SmallWave) -> Iterator[Page]:
    """The computer of the only administrator."""
    account = Account(login="admin", name="管理员", role=Role.ADMINISTRATOR, area=NATION)
    secret = new_token(bits=256)
    with session_scope(wave.settings.store_url) as session:
        session.add(account)
        session.flush()
        session.add(
            LoginSession(
                secret_sha256=digest(secret),
                account_id=account.id,
                expires_at=now() + timedelta(hours=1),
            )
        )
    server = Server(wave.settings.data_dir, SURVEY_DEMO="0")
    server.start()
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=server.url)
    context.add_cookies([{"name": COOKIE, "value": secret, "url": server.url}])
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()
    server.stop()


def test_the_city_of_two_interviews_is_left_out_and_the_other_is_shown(
    wave: SmallWave, desk: Page
) -> None:
    desk.goto(f"/plan?wave={KEY}&part=freeze")
    desk.locator(".st-key-plan-preview button").click()
    expect(desk.get_by_text(zh("The preview is ready. Nothing was stored."))).to_be_visible(
        timeout=60_000
    )
    warning = zh(
        "If {small} were left out, these would be shown: {cities}.", small="苏州", cities="北京"
    )
    expect(desk.get_by_text(warning)).to_be_visible()
    assert serious_problems(desk, within=".stMainBlockContainer") == []

    desk.locator(f".st-key-plan-leave-out-{SUZHOU} button").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text(NAME)
    dialog.get_by_role("textbox").fill("只有两份问卷")
    desk.locator(".st-key-plan-move-leave-out button").click()
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
    dialog.get_by_role("textbox").fill("later-2027")
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
