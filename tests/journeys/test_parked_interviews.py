"""Phones that finish too late: they are told that a supervisor decides, and let the answers go."""

from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.locale import translator
from survey.store.engine import read_scope, session_scope
from survey.store.tables import ParkedInterview, now
from survey.waves.waves import close_wave
from tests.server_process import LivePlatform, Respondent, expire_newest_link, serious_problems
from tests.work_of import work_of

zh = translator("zh")
KEPT = "Object.keys(localStorage).filter(key => /draft|outbox/.test(key))"


def _handed_over(page: Page) -> None:
    expect(page.locator(".sf-heading")).to_have_text("已交给督导处理")
    expect(page.locator(".sf-closing")).to_contain_text("您无需再做任何事")
    assert page.evaluate(KEPT) == []
    assert serious_problems(page) == []


def test_phones_that_finish_after_their_link_expired_and_after_the_wave_was_closed(
    live_server: LivePlatform,
    context: BrowserContext,
    page: Page,
    browser: Browser,
    respondent: Respondent,
    complete: dict[str, object],
) -> None:
    before = len(live_server.responses())
    respondent.open(live_server.invite())
    respondent.answer_until("product_range", complete)
    expire_newest_link(live_server)
    respondent.finish(complete)
    _handed_over(page)

    late = live_server.instrument.model_copy(update={"name": "late"})
    second = Respondent(context.new_page())
    second.open(live_server.ask(late))
    second.answer_until("product_range", complete)
    # Without a network she finishes; the wave is closed before she has one again.
    context.set_offline(offline=True)
    second.finish(complete)
    expect(second.page.locator(".sf-heading")).to_have_text(
        zh("Saved on this device, not sent yet")
    )
    with session_scope(live_server.settings.store_url) as session:
        close_wave(work_of(session, OPERATOR, now()), key=f"late-{late.sha256[:8]}")
    context.set_offline(offline=False)
    second.page.evaluate("window.dispatchEvent(new Event('online'))")
    _handed_over(second.page)

    assert len(live_server.responses()) == before
    with read_scope(live_server.settings.store_url) as session:
        why = [row.why.value for row in session.exec(select(ParkedInterview))]
    assert sorted(why) == ["link_expired", "wave_closed"]

    desk = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    desk.goto(f"{live_server.url}/review")
    desk.request.post(
        f"{live_server.url}/auth/demo",
        form={"role": "supervisor"},
        headers={"Origin": live_server.url},
    )
    desk.goto(f"{live_server.url}/review")
    desk.get_by_text("待处理的迟到答卷（2）").click()

    desk.get_by_text(zh("The link had expired when the answers arrived")).wait_for()
    assert serious_problems(desk) == []
    desk.get_by_role("textbox", name=zh("Reason")).fill("手机没有网络")
    desk.get_by_role("button", name=zh("Accept into review")).click()
    expect(desk.get_by_text("待处理的迟到答卷（1）")).to_be_visible()
    assert len(live_server.responses()) == before + 1
    desk.close()
