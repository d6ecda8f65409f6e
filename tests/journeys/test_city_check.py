"""A city's own experience check in the browser: from the list of venues to its report."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import docx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import Session, col, select

from survey.access.principal import Principal
from survey.access.roles import Role
from survey.collection.photos.photo_storage import save_visit_photo
from survey.collection.submission import submit
from survey.collection.submission_envelope import Submission
from survey.compute.photo_cleaning import CleanPhoto, clean_photo
from survey.experience_checks.visit_approval import approve_visits
from survey.locale import translator
from survey.store.china_time import china_date
from survey.store.engine import session_scope
from survey.store.tables import (
    Account,
    Assignment,
    Response,
    SamplingPoint,
    Status,
    VenueReply,
    Wave,
    now,
)
from survey.waves.instruments import save_instrument
from survey.waves.lifecycle import transition
from tests.context.experience_checks.small_check import SIGHT, checklist, small_photo
from tests.journeys.app_page import choose_option, take_step, upload_file, wait_until_idle
from tests.journeys.conftest import PATIENCE
from tests.journeys.staff import sign_in_staff
from tests.server_process import CITY, LivePlatform, serious_problems
from tests.work_of import work_of

zh = translator("zh")
KEY, TYPES, LISTED, DRAWN = "city-check", ("超市", "餐馆"), 12, 10
OFFICIALS = ("journey-city-1", "journey-city-2")
OBSERVERS = ("journey-city-observer-1", "journey-city-observer-2")


@pytest.fixture
def desks(live_server: LivePlatform, browser: Browser) -> Iterator[list[Page]]:
    """The computers of two officials of one city."""
    contexts = []
    for login in OFFICIALS:
        context = browser.new_context(viewport={"width": 1440, "height": 1400}, locale="zh-CN")
        context.set_default_timeout(PATIENCE)
        address = live_server.url
        sign_in_staff(context, live_server.settings, address, login, Role.CITY_OFFICIAL, CITY)
        for observer in OBSERVERS:
            settings = live_server.settings
            sign_in_staff(browser.new_context(), settings, address, observer, Role.SURVEYOR, CITY)
        contexts.append(context)
    with session_scope(live_server.settings.store_url) as session:
        save_instrument(session=session, instrument=checklist())
    yield [context.new_page() for context in contexts]
    for context in contexts:
        context.close()


def _open(desk: Page, live_server: LivePlatform, part: str) -> None:
    desk.goto(f"{live_server.url}/experience-checks?lang=zh&check={KEY}&part={part}")
    wait_until_idle(desk)


def _download(desk: Page, menu: str, form: str) -> bytes:
    with desk.expect_download() as download:
        desk.get_by_role("button", name=zh(menu)).click()
        desk.get_by_role("option", name=form).or_(
            desk.get_by_role("menuitem", name=form)
        ).first.click()
    return Path(download.value.path()).read_bytes()


def _words(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(each.text for each in document.paragraphs), *cells])


def _visit_all(live_server: LivePlatform) -> dict[UUID, int]:
    """Let every observer visit the own venues, and a supervisor approve; return id -> version."""
    photo = clean_photo(small_photo())
    with session_scope(live_server.settings.store_url) as session:
        supervisor = Account(
            login="journey-city-supervisor", name="Sun", role=Role.SUPERVISOR, area=CITY
        )
        session.add(supervisor)
        session.flush()
        reviewer = Principal(supervisor.id, supervisor.name, Role.SUPERVISOR, CITY)
        query = (
            select(SamplingPoint, Account)
            .join(Assignment, col(Assignment.point_id) == col(SamplingPoint.id))
            .join(Account, col(Account.id) == col(Assignment.account_id))
            .join(Wave, col(Wave.id) == col(SamplingPoint.wave_id))
            .where(Wave.key == KEY)
        )
        sent = {}
        for place, (point, account) in enumerate(session.exec(query).all()):
            observer = Principal(account.id, account.name, Role.SURVEYOR, CITY)
            answers = {**SIGHT, "receipt": place % 3 > 0, "channel": place % 2}
            answers["receipt"] = int(answers["receipt"])
            sent[_visit(session, live_server, observer, point, answers, photo)] = 2
        for response_id in sent:
            transition(
                work_of(session, reviewer, now()),
                response_id=response_id,
                to=Status.CITY_APPROVED,
                reason="",
                expected_version=1,
            )
    return sent


def _visit(
    session: Session,
    live_server: LivePlatform,
    observer: Principal,
    point: SamplingPoint,
    answers: dict[str, object],
    photo: CleanPhoto,
) -> UUID:
    photo_id = uuid4()
    save_visit_photo(
        work_of(session, observer, now()),
        folder=live_server.settings.photo_dir,
        photo_id=photo_id,
        point_id=point.id,
        item_name="photo_price",
        photo=photo,
    )
    sent = Submission(
        client_uuid=uuid4(),
        point_id=point.id,
        answers={**answers, "photo_price": str(photo_id)},
        instrument_sha256=checklist().sha256,
        started_at=now() - timedelta(minutes=20),
    )
    receipt = submit(session=session, submission=sent, principal=observer, now=now())
    return receipt.response_id


def test_a_city_runs_a_check_from_the_list_to_its_report(
    live_server: LivePlatform, desks: list[Page]
) -> None:
    desk, other = desks
    _plan(desk, live_server)
    _draw_and_open(desk, live_server)
    sent = _visit_all(live_server)

    # The official reads one venue, approves its visits there, and hands the sheet over.
    _open(desk, live_server, "venues")
    expect(desk.get_by_text(zh("What was noted at one venue"))).to_be_visible()
    desk.get_by_role("button", name=zh("Approve these visits ({count})", count=2)).click()
    expect(desk.get_by_text(zh("Approved. Their answers count from now on."))).to_be_visible()
    with session_scope(live_server.settings.store_url) as session:
        query = select(Response.id).where(Response.status == Status.APPROVED)
        done = set(session.exec(query.where(col(Response.id).in_(sent))))
        assert len(done) == 2
        account = session.exec(select(Account).where(Account.login == OFFICIALS[0])).one()
        official = Principal(account.id, account.name, Role.CITY_OFFICIAL, CITY)
        rest = {each: version for each, version in sent.items() if each not in done}
        approve_visits(work_of(session, official, now()), visits=rest)

    _open(desk, live_server, "replies")
    desk.get_by_role("button", name=zh("The venues were told")).click()
    expect(desk.get_by_text(zh("It is recorded that the venues were told."))).to_be_visible()
    _open(desk, live_server, "venues")
    sheet = _words(_download(desk, "Findings sheet to hand over", "Word"))
    assert zh("What has to be mended") in sheet
    assert not any(observer in sheet for observer in OBSERVERS)
    with zipfile.ZipFile(
        io.BytesIO(_download(desk, "Sheets of all venues (ZIP)", "PDF"))
    ) as archive:
        assert len(archive.namelist()) == len(TYPES) * DRAWN
    _let_deadlines_pass(live_server)

    _open(desk, live_server, "plan")
    take_step(desk, zh("Close the check"))
    take_step(desk, zh("Give the first signature"))
    _open(other, live_server, "plan")
    take_step(other, zh("Sign and release now"))
    expect(other.get_by_text(zh("Signed by you, and released."))).to_be_visible()

    report = _words(_download(other, "Report", "Word"))
    assert "20" in report
    assert "商品和服务是否明码标价？" in report
    assert zh("How the check was made") in report
    assert serious_problems(other) == []


def _plan(desk: Page, live_server: LivePlatform) -> None:
    desk.goto(f"{live_server.url}/experience-checks?lang=zh&check=new")
    wait_until_idle(desk)
    for label, text in (
        ("Short name", KEY),
        ("Chinese title", "本市消费体察"),
        ("English title", "Check of the city"),
        ("Scenario", "以普通消费者身份到店，购买约20元的商品，付款后索要小票。"),
    ):
        desk.get_by_role("textbox", name=zh(label), exact=True).fill(text)
    desk.get_by_role("button", name=zh("Plan the check")).click()
    expect(desk.get_by_text(zh("The check is planned. Next come its venues."))).to_be_visible()


def _draw_and_open(desk: Page, live_server: LivePlatform) -> None:
    _open(desk, live_server, "venues")
    rows = ["城市,场所编号,场所名称和地址,场所类型"] + [
        f"北京市,v{kind}{number:02d},{TYPES[kind]}{number}号,{TYPES[kind]}"
        for kind in range(len(TYPES))
        for number in range(LISTED)
    ]
    content = "\r\n".join(rows).encode("utf-8-sig")
    upload_file(desk, {"name": "venues.csv", "mimeType": "text/csv", "buffer": content})
    wait_until_idle(desk)
    field = desk.get_by_role("spinbutton", name=zh("Venues of each type in each city"))
    field.fill(str(DRAWN))
    field.press("Enter")
    wait_until_idle(desk)
    desk.get_by_role("button", name=zh("Draw the venues")).click()
    expect(desk.get_by_text(zh("The venues are drawn. Next come the observers."))).to_be_visible()
    for observer in OBSERVERS:
        people = desk.get_by_role("combobox", name=zh("Observers"))
        choose_option(people, observer)
        desk.keyboard.press("Escape")  # the list stays open for a further choice
    desk.get_by_role("button", name=zh("Assign observers")).click()
    expect(desk.get_by_text(zh("Every venue has its observers."))).to_be_visible()
    _open(desk, live_server, "plan")
    take_step(desk, zh("Open the check for visits"))


def _let_deadlines_pass(live_server: LivePlatform) -> None:
    today = china_date(now())
    with session_scope(live_server.settings.store_url) as session:
        for reply in session.exec(select(VenueReply)):
            reply.sent_on, reply.due_on = today - timedelta(12), today - timedelta(1)
            session.add(reply)
