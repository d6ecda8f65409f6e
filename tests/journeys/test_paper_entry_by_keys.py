"""Paper keyed without a mouse; keyed again with a difference; settled by a third person."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import col, select

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.collection.paper.keying import Keying, check_sheet, set_share
from survey.collection.paper.keying_service import submit_keying
from survey.locale import translator
from survey.questionnaire.model import Instrument, Item, ItemKind
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, PaperKeying, Response, now
from tests.server_process import CITY, WAVE, LivePlatform, serious_problems
from tests.work_of import work_of

zh = translator("zh")
DESK = {"width": 1440, "height": 900}
SLOW = 60_000
"""Milliseconds that a busy machine may take to draw the page."""
MAX_STROKES = 60
MIN_ITEMS = 45
COMPOSING = """field => field.dispatchEvent(new KeyboardEvent("keydown", {
  key: "5", isComposing: true, bubbles: true, composed: true
}))"""
WOMAN: dict[str, Any] = {
    "consent": "yes", "lived_6m": "yes", "offline_purchase": "yes", "birth_year": 1985,
    "gender": "female", "residence": "urban",
    "had_dispute": "no", "education_reached": "no", "spending_plan": "same", "guardian": "no",
}  # fmt: skip


def key_of(item: Item, value: Any) -> str:
    """What a typist presses for one answer."""
    if item.kind is ItemKind.RATING:
        return "0" if value == 10 else str(value)
    if item.kind is ItemKind.SELECT_ONE:
        return str([choice.name for choice in item.choices].index(value) + 1)
    return str(value)


def strokes_of(instrument: Instrument, answers: dict[str, Any]) -> tuple[list[str], int]:
    """Keys of the whole sheet from its first question on, and how many questions they answer."""
    route = check_sheet(instrument, answers, (), day=china_date(now()))
    keys: list[str] = []
    asked = [instrument.by_name[name] for name in route.route]
    questions = [each for each in asked if each.kind not in {ItemKind.NOTE, ItemKind.CALCULATE}]
    for item in questions:
        value = answers.get(item.name)
        if value is None:
            keys.append("Enter")
        elif item.kind is ItemKind.SELECT_MULTIPLE:
            names = [choice.name for choice in item.choices]
            keys += [*(str(names.index(each) + 1) for each in value), "Enter"]
        elif item.kind is ItemKind.INTEGER:
            keys += [*str(value), "Enter"]
        else:
            keys.append(key_of(item, value))
    return keys, len(questions)


@pytest.fixture
def answers(live_server: LivePlatform) -> dict[str, Any]:
    filled = dict(WOMAN)
    for item in live_server.instrument.items():
        if item.kind is ItemKind.RATING:
            filled[item.name] = 8
        elif item.choices and item.name not in filled:
            first = item.choices[0].name
            filled[item.name] = [first] if item.kind is ItemKind.SELECT_MULTIPLE else first
    checked = check_sheet(live_server.instrument, filled, (), day=china_date(now()))
    assert not checked.problems, checked.problems
    return {name: value for name, value in filled.items() if name in checked.answers}


def _typist(live_server: LivePlatform) -> Principal:
    row = Account(
        login=f"typist-{uuid4()}", name="陈录入", role=Role.TYPIST, area=CITY, is_demo=True
    )
    with session_scope(live_server.settings.store_url) as session:
        session.add(row)
    return Principal(row.id, row.name, Role.TYPIST, CITY, is_demo=True)


@pytest.fixture
def colleague(live_server: LivePlatform) -> Principal:
    return _typist(live_server)


@pytest.fixture
def desk(browser: Browser) -> Iterator[Page]:
    failures: list[str] = []
    context = browser.new_context(viewport=DESK, locale="zh-CN")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    context.close()
    assert not failures, failures


def _share(live_server: LivePlatform, share: float) -> None:
    with session_scope(live_server.settings.store_url) as session:
        set_share(work_of(session, OPERATOR, now()), wave_key=WAVE, share=share)


def _open(desk: Page, live_server: LivePlatform, role: str, view: str = "key") -> None:
    desk.request.post(f"{live_server.url}/auth/demo", form={"role": role, "next": "/"})
    point = f"{WAVE}/{live_server.point.code}"  # others open waves of their own on this server
    desk.goto(f"{live_server.url}/paper?view={view}&point={point}")
    expect(desk.locator(".sp-here")).to_be_visible(timeout=SLOW)
    expect(desk.locator(".sp-here .sp-field")).to_be_focused(timeout=SLOW)


def _type(desk: Page, keys: list[str]) -> None:
    for key in keys:
        desk.keyboard.press(key)


def _key_elsewhere(
    live_server: LivePlatform,
    person: Principal,
    serial: str,
    answers: dict[str, Any],
    round_: int = 1,
    **head: Any,
) -> None:
    keying = {
        "client_uuid": uuid4(), "answers": answers, "missing": ["comment"],
        "instrument_sha256": live_server.instrument.sha256,
        "sheet": {
            "wave": WAVE, "serial": serial, "round": round_, "point_id": live_server.point.id,
            "surveyor_id": live_server.surveyor.account_id,
            "interview_on": china_date(now()) - timedelta(days=1), **head,
        },
    }  # fmt: skip
    with session_scope(live_server.settings.store_url) as session:
        submit_keying(work_of(session, person, now()), Keying.model_validate(keying))


def _papers(live_server: LivePlatform) -> list[Response]:
    with read_scope(live_server.settings.store_url) as session:
        query = select(Response).where(Response.mode == "paper")
        return list(session.exec(query.order_by(col(Response.submitted_at))))


def test_a_whole_interview_costs_sixty_keys_and_no_mouse(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any]
) -> None:
    _share(live_server, 0)
    before = len(_papers(live_server))
    keys, items = strokes_of(live_server.instrument, answers)
    sheet = [*"101", "Enter", *keys, "Enter"]
    _open(desk, live_server, "typist")
    _type(desk, sheet)
    expect(desk.locator(".sp-news .sp-news")).to_have_text(
        zh("Sheet {serial} has been handed in.", serial="101"), timeout=SLOW
    )
    expect(desk.locator(".sp-here")).to_have_attribute("data-line", "@serial")
    (response,) = _papers(live_server)[before:]
    with read_scope(live_server.settings.store_url) as session:
        keying = session.exec(select(PaperKeying).order_by(col(PaperKeying.id).desc())).first()
    assert keying is not None
    assert {n: v for n, v in keying.answers.items() if v is not None and n != "age"} == answers
    assert response.status == "submitted"
    assert keying.strokes == len(sheet), "every key was heard, and the count is the typist's"
    assert items >= MIN_ITEMS
    assert len(sheet) <= MAX_STROKES


def test_a_difference_is_settled_by_a_third_person_with_two_keys(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any], colleague: Principal
) -> None:
    _share(live_server, 1)
    before = len(_papers(live_server))
    wrong = {**answers, "quality": 3, "gender": "male"}
    _key_elsewhere(live_server, colleague, "202", wrong)
    keys, _ = strokes_of(live_server.instrument, answers)

    _open(desk, live_server, "typist")
    expect(desk.locator(".hcs-sheets")).to_contain_text("202")
    _type(desk, [*"00202", "Enter", *keys])
    expect(desk.locator(".sp-place")).to_contain_text(zh("Second keying"), timeout=SLOW)
    assert serious_problems(desk, within=".stBidiComponent") == []
    desk.keyboard.press("Enter")
    differs = zh("Sheet {serial} is kept; it differs and waits for a third person.", serial="202")
    expect(desk.locator(".sp-news .sp-news")).to_have_text(differs, timeout=SLOW)
    assert len(_papers(live_server)) == before

    _open(desk, live_server, "supervisor", "verdict")
    lines = desk.locator(".sp-verdict .sp-line:visible")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("男")
    expect(lines.nth(0)).to_contain_text("女")
    assert serious_problems(desk, within=".stBidiComponent") == []
    _type(desk, ["2", "2", "Enter"])
    expect(desk.get_by_text(zh("Nothing waits for your verdict"))).to_be_visible(timeout=SLOW)
    (response,) = _papers(live_server)[before:]
    with read_scope(live_server.settings.store_url) as session:
        query = select(PaperKeying).where(PaperKeying.number == 3)
        verdict = session.exec(query.order_by(col(PaperKeying.id).desc())).first()
    assert verdict is not None
    assert response.surveyor_id == live_server.surveyor.account_id
    assert (verdict.answers["quality"], verdict.answers["gender"]) == (8, "female")


def test_a_verdict_may_take_the_head_of_one_and_open_questions_that_neither_keyed(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any], colleague: Principal
) -> None:
    _share(live_server, 1)
    before = len(_papers(live_server))
    choices = live_server.instrument.by_name
    rural = {
        "residence": "rural", "rural_goods_satisfaction": 4, "rural_repair_satisfaction": 3,
        "rural_shop_place": choices["rural_shop_place"].choices[0].name,
        "rural_delivery": choices["rural_delivery"].choices[0].name,
    }  # fmt: skip
    earlier = china_date(now()) - timedelta(days=3)
    _key_elsewhere(live_server, colleague, "606", {**answers, **rural})
    _key_elsewhere(
        live_server,
        _typist(live_server),
        "606",
        {**answers, "education_reached": "dk"},
        2,
        interview_on=earlier,
    )
    _open(desk, live_server, "supervisor", "verdict")
    expect(desk.locator(".sp-line:visible")).to_have_count(8)

    def here(name: str) -> None:
        expect(desk.locator(".sp-here")).to_have_attribute("data-line", name)

    here("@day")
    _type(desk, ["2"])
    here("residence")
    _type(desk, ["2"])
    here("education_reached")
    _type(desk, ["0", "1"])
    here("education_channel")
    _type(desk, ["2", "Enter", "1"])
    here("@end")
    _type(desk, ["Enter"])
    expect(desk.get_by_text(zh("Nothing waits for your verdict"))).to_be_visible(timeout=SLOW)
    (response,) = _papers(live_server)[before:]
    with read_scope(live_server.settings.store_url) as session:
        query = select(PaperKeying).where(PaperKeying.number == 3)
        verdict = session.exec(query.order_by(col(PaperKeying.id).desc())).first()
    assert verdict is not None
    assert verdict.interview_on == earlier
    assert verdict.answers["residence"] == "urban"
    assert verdict.answers["education_channel"] == ["online"]
    assert "rural_delivery" not in verdict.answers
    assert response.status == "submitted"


def test_a_number_that_was_keyed_stops_the_typist_before_the_answers_go_astray(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any], colleague: Principal
) -> None:
    _share(live_server, 0)
    _key_elsewhere(live_server, colleague, "303", answers)
    _open(desk, live_server, "typist")
    _type(desk, [*"303", "Enter"])
    serial = desk.locator("[data-line='@serial']")
    expect(serial.locator(".sp-error")).to_contain_text("陈录入", timeout=SLOW)
    _type(desk, ["1", "1", "7"])
    expect(serial.locator("input")).to_have_value("303")
    _type(desk, ["Enter", *"304", "Enter"])
    expect(desk.locator("[data-line=consent]")).to_have_class("sp-line sp-here", timeout=SLOW)


def test_keys_of_the_grid(live_server: LivePlatform, desk: Page, answers: dict[str, Any]) -> None:
    """Ranges at once, codes by letter and number pad, back, routing, a reload, clearing."""
    _open(desk, live_server, "typist")

    def here(name: str) -> None:
        expect(desk.locator(".sp-here")).to_have_attribute("data-line", name)

    _type(desk, [*"404", "Enter", "1", "1", "1", *"1785", "Enter"])
    here("birth_year")
    expect(desk.locator("[data-line=birth_year] .sp-error")).not_to_be_empty()
    _type(desk, ["Control+a", *"1985", "Enter", "9"])
    here("gender")
    expect(desk.locator("[data-line=gender] .sp-error")).not_to_be_empty()
    expect(desk.locator("[data-line=rural_delivery]")).to_have_class("sp-line sp-off")
    _type(desk, ["2", "2"])
    expect(desk.locator("[data-line=rural_delivery]")).to_have_class("sp-line")
    here("product_range")
    desk.locator(".sp-here .sp-field").evaluate(COMPOSING)
    here("product_range")
    _type(desk, ["b", "*", "q", "0", "Shift+Tab"])
    here("logistics")
    echoes = {
        name: desk.locator(f"[data-line={name}] .sp-echo").inner_text()
        for name in ("product_range", "substitutes", "outlet_distribution")
    }
    assert echoes == {
        "product_range": zh("Don't know"),
        "substitutes": zh("Not experienced"),
        "outlet_distribution": zh("left blank"),
    }
    desk.locator(".sp-label").first.click()
    desk.reload()
    expect(desk.locator("[data-line=logistics] .sp-key")).to_have_text("0", timeout=SLOW)
    expect(desk.locator("[data-line='@serial'] input")).to_have_value("404")
    here("public_facilities")
    _type(desk, ["Escape", "Escape"])
    expect(desk.locator("[data-line='@serial'] input")).to_have_value("")
    here("@serial")


def test_a_dead_network_keeps_the_sheet_and_the_next_one_goes_on(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any]
) -> None:
    _share(live_server, 0)
    before = len(_papers(live_server))
    keys, _ = strokes_of(live_server.instrument, answers)
    _open(desk, live_server, "typist")
    desk.route("**/api/**", lambda route: route.abort())
    _type(desk, [*"505", "Enter", *keys, "Enter"])
    expect(desk.locator(".sp-news")).to_contain_text(zh("1 interview waiting to be sent"))
    assert len(_papers(live_server)) == before
    desk.unroute("**/api/**")
    desk.evaluate("window.dispatchEvent(new Event('online'))")
    expect(desk.locator(".sp-news .sp-news")).to_contain_text("505", timeout=SLOW)
    assert len(_papers(live_server)) == before + 1


def test_a_refused_sheet_is_opened_again_by_its_number_and_loses_nothing(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any], colleague: Principal
) -> None:
    """While the network was dead a colleague keyed the sheet; the drawn one is then keyed again."""
    _share(live_server, 1)
    before = len(_papers(live_server))
    keys, _ = strokes_of(live_server.instrument, answers)
    _open(desk, live_server, "typist")
    desk.route("**/api/**", lambda route: route.abort())
    _type(desk, [*"707", "Enter", *keys, "Enter"])
    expect(desk.locator(".sp-news")).to_contain_text(zh("1 interview waiting to be sent"))
    _key_elsewhere(live_server, colleague, "707", answers)
    desk.unroute("**/api/**")
    desk.evaluate("window.dispatchEvent(new Event('online'))")
    expect(desk.locator(".sp-trouble")).to_contain_text("陈录入", timeout=SLOW)
    _type(desk, [*"707", "Enter"])
    expect(desk.locator(".sp-place")).to_contain_text(zh("Second keying"), timeout=SLOW)
    expect(desk.locator(".sp-trouble")).to_have_count(0)
    desk.locator("[data-line='@end'] .sp-field").focus()
    _type(desk, ["Enter"])
    handed_in = zh("Sheet {serial} has been handed in.", serial="707")
    expect(desk.locator(".sp-news .sp-news")).to_have_text(handed_in, timeout=SLOW)
    assert len(_papers(live_server)) == before + 1


def test_what_stands_in_a_field_is_what_is_kept(
    live_server: LivePlatform, desk: Page, answers: dict[str, Any]
) -> None:
    """Also where a mouse or an arrow leaves the field; and a number counts only when entered."""
    _share(live_server, 0)
    _open(desk, live_server, "typist")
    _type(desk, [*"808", "ArrowDown", "1", "1", "1", *"1985"])
    desk.locator("[data-line=consent] .sp-field").click()
    desk.locator("[data-line='@serial'] input").fill("909")
    desk.locator("[data-line=gender] .sp-field").click()
    expect(desk.locator("[data-line='@serial'] input")).to_have_value("808")
    expect(desk.locator("[data-line=birth_year] input")).to_have_value("1985")
    desk.reload()
    expect(desk.locator(".sp-here")).to_have_attribute("data-line", "gender", timeout=SLOW)
    expect(desk.locator("[data-line=birth_year] input")).to_have_value("1985")
    _type(desk, ["Escape", "Escape"])
    expect(desk.locator("[data-line='@serial'] input")).to_have_value("")
