"""A supervisor sends an interview back, the surveyor corrects it, the supervisor approves it."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from survey.access.principal import OPERATOR
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.locale import translator
from survey.store.engine import session_scope
from survey.store.tables import Mode, Status, now
from survey.waves.waves import get_wave
from tests.complete_answers import build_complete_answers
from tests.journeys.app_page import choose_option, wait_until_idle
from tests.server_process import CITY, LivePlatform, serious_problems
from tests.work_of import work_of

zh = translator("zh")
DESK = {"width": 1440, "height": 900}
SLOW = 60_000
"""Milliseconds that a busy machine may take to draw the next interview."""


@pytest.fixture
def interviews(live_server: LivePlatform) -> list[UUID]:
    """Two interviews of the surveyor, of whom the riskier one says a wrong year of birth."""
    answers = build_complete_answers(live_server.instrument)
    rows = [
        FinishedResponse(
            client_uuid=uuid4(),
            city_code=CITY,
            mode=Mode.ASSISTED,
            status=Status.SUBMITTED,
            submitted_at=now() - timedelta(hours=1),
            started_at=now() - timedelta(hours=2),
            answers=answers,
            duration_seconds=seconds,
            point_id=live_server.point.id,
            surveyor_id=live_server.surveyor.account_id,
        )
        for seconds in (61.0, 62.0)
    ]
    with session_scope(live_server.settings.store_url) as session:
        wave = get_wave(session=session, key="main-2026")
        write_responses(work_of(session, OPERATOR, now()), wave=wave, rows=rows)
    return [row.id for row in rows]


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    """The supervisor's computer."""
    context = browser.new_context(viewport=DESK, locale="zh-CN")
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _sign_in(page: Page, live_server: LivePlatform, role: str) -> None:
    page.request.post(f"{live_server.url}/auth/demo", form={"role": role, "next": "/"})


def _open(page: Page, address: str) -> None:
    page.goto(address)
    wait_until_idle(page)


def _choose(page: Page, label: str, option: str, *, until: Locator) -> None:
    choose_option(page.get_by_role("combobox", name=label), option)
    page.keyboard.press("Escape")
    until.wait_for()


def _press(desk: Page, key: str) -> None:
    wait_until_idle(desk)
    desk.locator(f"html[data-survey-keys*={key}]").wait_for(state="attached")
    desk.keyboard.press(key)


def _turn(desk: Page, key: str, *, corrected: int) -> None:
    """Leaf through the queue until the corrected interview is gone or there again, pressing anew
    where a busy machine let a key fall between two drawings of the page."""
    for _ in range(5):
        _press(desk, key)
        with contextlib.suppress(AssertionError):
            expect(desk.locator(".hcs-before")).to_have_count(corrected, timeout=6_000)
            return
    expect(desk.locator(".hcs-before")).to_have_count(corrected)


def _state(live_server: LivePlatform, response_id: UUID) -> tuple[str, int, object]:
    (state,) = [
        (response.status.value, revision.number, revision.answers.get("birth_year"))
        for response, revision in live_server.responses()
        if response.id == response_id
    ]
    return state


def _undo(desk: Page, address: str) -> None:
    """Undo while the line offers it; on a busy machine its ten seconds may be over by then."""
    offer = desk.locator("[class*='st-key-review-undo-offer-'] button")
    with contextlib.suppress(PlaywrightTimeout):
        offer.click(timeout=3_000)
        return expect(desk.get_by_text("已撤销：1")).to_be_visible(timeout=SLOW)
    _open(desk, address)
    _press(desk, "z")
    return expect(desk.get_by_text("已撤销：1")).to_be_visible(timeout=SLOW)


def test_sent_back_corrected_and_approved(
    live_server: LivePlatform, page: Page, desk: Page, interviews: list[UUID]
) -> None:
    wrong, other = interviews
    _sign_in(desk, live_server, "supervisor")
    _open(desk, f"{live_server.url}/review?interview={wrong}")
    expect(desk.locator(".hcs-answers")).to_contain_text("1985")
    assert serious_problems(desk, within=".hcs-answers") == []
    _press(desk, "r")
    note = desk.get_by_role("textbox", name=zh("Note to the surveyor"))
    note.fill("请核对 r 出生年份 v")
    desk.locator("[class*=st-key-review-confirm-] button").click()
    expect(desk.get_by_text(zh("Now {state}.", state=zh("sent back")))).to_be_visible()
    assert _state(live_server, wrong) == ("returned", 1, 1985)
    assert _state(live_server, other) == ("submitted", 1, 1985), "typing a note presses no button"

    _sign_in(page, live_server, "surveyor")
    _open(page, f"{live_server.url}/tasks")
    page.get_by_text("Market Street ·").first.click()
    expect(page.get_by_text("请核对 r 出生年份 v")).to_be_visible()
    question = live_server.instrument.by_name["birth_year"].label["zh"]
    field = page.get_by_role("textbox", name=question)
    _choose(page, zh("Questions to correct"), question, until=field)
    field.fill("1979")
    field.press("Tab")
    page.get_by_role("textbox", name=zh("What you checked or corrected")).fill("已向本人核实")
    page.get_by_role("button", name=zh("Hand in again")).click()
    expect(page.get_by_text(zh("Handed in again. Thank you!"))).to_be_visible()
    assert _state(live_server, wrong) == ("submitted", 2, 1979)

    _open(desk, f"{live_server.url}/review?interview={wrong}")
    expect(desk.locator(".hcs-before")).to_contain_text("1985", timeout=SLOW)
    _turn(desk, "j", corrected=0)
    _turn(desk, "k", corrected=1)
    _press(desk, "a")
    approved = zh("Now {state}.", state=zh("approved by the city"))
    expect(desk.get_by_text(approved)).to_be_visible(timeout=SLOW)
    assert _state(live_server, wrong) == ("city_approved", 2, 1979)
    _undo(desk, f"{live_server.url}/review?interview={wrong}")
    assert _state(live_server, wrong) == ("submitted", 2, 1979)
