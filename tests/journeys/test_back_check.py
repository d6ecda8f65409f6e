"""A supervisor draws, asks two people again, finds invented work, and takes the point out."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.locale import translator
from survey.questionnaire.xlsform.reader import load_bundle
from survey.settings import PROJECT_ROOT
from survey.store.engine import session_scope
from survey.store.tables import Mode, Status, now
from survey.waves.instruments import save_instrument
from survey.waves.waves import get_wave
from tests.journeys.app_page import choose_option, wait_until_idle
from tests.server_process import CITY, LivePlatform, open_wave_at_point, serious_problems
from tests.work_of import work_of

zh = translator("zh")
WAVE = "back-checked"
SLOW = 60_000
"""Milliseconds that a busy machine may take to draw the page."""


@pytest.fixture
def invented(live_server: LivePlatform) -> list[UUID]:
    """Two interviews at one point of a wave of their own."""
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "back-check").instrument
    rows: list[FinishedResponse] = []
    with session_scope(live_server.settings.store_url) as session:
        save_instrument(session=session, instrument=shipped)
        point = open_wave_at_point(
            session, WAVE, live_server.instrument, live_server.surveyor.account_id
        )
        rows = [
            FinishedResponse(
                client_uuid=uuid4(),
                city_code=CITY,
                mode=Mode.ASSISTED,
                status=Status.SUBMITTED,
                submitted_at=now() - timedelta(hours=1),
                started_at=now() - timedelta(hours=2),
                answers={"birth_year": 1985, "gender": "female", "lived_6m": "yes"},
                duration_seconds=300.0,
                point_id=point.id,
                surveyor_id=live_server.surveyor.account_id,
            )
            for _ in range(2)
        ]
        wave = get_wave(session=session, key=WAVE)
        write_responses(work_of(session, OPERATOR, now()), wave=wave, rows=rows)
    return [row.id for row in rows]


@pytest.fixture
def desk(browser: Browser, live_server: LivePlatform) -> Iterator[Page]:
    """The supervisor's computer, signed in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.request.post(f"{live_server.url}/auth/demo", form={"role": "supervisor", "next": "/"})
    yield page
    context.close()


def _open(desk: Page, live_server: LivePlatform, view: str) -> None:
    desk.goto(f"{live_server.url}/back-check?wave={WAVE}&view={view}&lang=zh")
    wait_until_idle(desk)


def _pick(desk: Page, label: str, option: str, *, until: Locator) -> None:
    choose_option(desk.get_by_role("combobox", name=label), option)
    until.wait_for()


def test_from_the_draw_to_taking_out_a_point(
    live_server: LivePlatform, invented: list[UUID], desk: Page
) -> None:
    _open(desk, live_server, "draw")
    desk.get_by_label(zh("By lot, per cent")).fill("100")
    desk.get_by_label(zh("By lot, per cent")).press("Tab")
    desk.locator(".st-key-draw-show button").click()
    desk.locator(".st-key-draw-make button").click()
    expect(desk.get_by_text(zh("{count} interviews were drawn.", count=2))).to_be_visible(
        timeout=SLOW
    )

    _open(desk, live_server, "call")
    expect(desk.get_by_text(zh("To ask again: {count}", count=2))).to_be_visible(timeout=SLOW)
    expect(desk.get_by_text("1985")).to_have_count(0)
    assert serious_problems(desk, within=".stMain") == []
    desk.locator(".st-key-call-never_interviewed button").click()
    expect(desk.get_by_text(zh("To ask again: {count}", count=1))).to_be_visible(timeout=SLOW)
    born = live_server.instrument.by_name["birth_year"].label["zh"]
    gender = live_server.instrument.by_name["gender"].label["zh"]
    desk.get_by_label(born).fill("1950")
    desk.get_by_label(born).press("Tab")
    desk.get_by_role("radiogroup", name=gender).get_by_text("男").click()
    desk.locator(".st-key-call-reached button").click()
    expect(desk.get_by_text(zh("Nobody is left to ask again"))).to_be_visible(timeout=SLOW)

    _open(desk, live_server, "results")
    expect(desk.locator(".hcs-answer .number")).to_have_text("100.0%", timeout=SLOW)
    expect(desk.locator(".hcs-todo")).to_contain_text("1950")
    assert serious_problems(desk, within=".stMain") == []
    point = desk.get_by_role("combobox", name=zh("Point"))
    _pick(desk, zh("What should happen"), zh("Take out all interviews of a point"), until=point)
    note = desk.get_by_role("textbox", name=zh("Note"))
    _pick(desk, zh("Point"), "Market Street", until=note)
    note.fill("两份都不属实")
    desk.locator(".st-key-follow-confirm button").click()
    expect(desk.get_by_text(zh("{count} interviews were changed.", count=2))).to_be_visible(
        timeout=SLOW
    )
    states = {
        response.id: (response.status, response.reason)
        for response, _ in live_server.responses()
        if response.id in invented
    }
    assert states == dict.fromkeys(invented, (Status.VOID, "back_check: 两份都不属实"))
