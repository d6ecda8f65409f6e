"""Two observers visit a venue on their phones, one of them where the network is bad."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlmodel import Session, select

from survey.access.principal import Principal
from survey.access.roles import NATION, Role
from survey.access.work import Seen
from survey.experience_checks.plan import (
    ExperienceCheckPlan,
    create_experience_check,
    open_experience_check,
)
from survey.experience_checks.venues import VenueList, assign_observers, draw_venues
from survey.frame.sampling_plan import ListedPoint
from survey.locale import translator
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, Photo, Response, VenueVisit, now
from survey.waves.instruments import save_instrument
from tests.context.experience_checks.small_check import checklist
from tests.journeys.conftest import PATIENCE, PHONE
from tests.journeys.staff import sign_in_staff
from tests.server_process import CITY, LivePlatform, Respondent
from tests.work_of import work_of

zh = translator("zh")
KEY, VENUE = "journey-check", "journey-venue"
OBSERVERS = ("journey-observer-1", "journey-observer-2")
ANSWERS = {"anonymous": "yes", "price_shown": 1, "receipt": 0, "staff": 4}
CAMERA = "Camera of Zhang San"
KEPT = (
    "The photo has not arrived yet. It is kept on this device and is sent by itself as soon as "
    "there is a network."
)


@dataclass(frozen=True)
class Phone:
    """An observer's phone before the checklist of the venue."""

    context: BrowserContext
    page: Page
    form: Respondent


def photo_of_the_camera() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = CAMERA
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (39.0, 54.0, 15.0)})
    target = io.BytesIO()
    Image.radial_gradient("L").resize((2_600, 1_900)).convert("RGB").save(target, "JPEG", exif=exif)
    return target.getvalue()


@pytest.fixture
def check(live_server: LivePlatform, browser: Browser) -> UUID:
    """A check of one venue, open, with two observers."""
    context = browser.new_context()
    for login in OBSERVERS:
        sign_in_staff(context, live_server.settings, live_server.url, login, Role.SURVEYOR, CITY)
    context.close()
    with session_scope(live_server.settings.store_url) as session:
        return _open_check(session)


def _open_check(session: Session) -> UUID:
    account = Account(login="journey-checks", name="Qian", role=Role.NATIONAL_OFFICIAL, area=NATION)
    session.add(account)
    session.flush()
    official = Principal(account.id, account.name, Role.NATIONAL_OFFICIAL, NATION)
    today = china_date(now())
    plan = ExperienceCheckPlan(
        key=KEY,
        area=NATION,
        title_zh="超市体察",
        title_en="Supermarkets",
        scenario="Buy something for about 20 yuan.",
        instrument_id=save_instrument(session=session, instrument=checklist()),
        opens_on=today,
        closes_on=today + timedelta(10),
    )
    wave_id = create_experience_check(work_of(session, official, now()), draft=plan)
    venue = ListedPoint(VENUE, CITY, "Market Street 1", "supermarket", "supermarket")
    work = work_of(session, official, now())
    draw_venues(work, Seen(wave_id, 1), listed=VenueList((venue,), ()), per_type=1, seed=1)
    assign_observers(work, Seen(wave_id, 2), logins=OBSERVERS, seed=1)
    open_experience_check(work, Seen(wave_id, 3))
    return wave_id


@pytest.fixture
def phones(live_server: LivePlatform, browser: Browser, check: UUID) -> Iterator[list[Phone]]:
    opened = []
    for login in OBSERVERS:
        context = browser.new_context(viewport=PHONE, locale="zh-CN")
        context.set_default_timeout(PATIENCE)
        sign_in_staff(context, live_server.settings, live_server.url, login, Role.SURVEYOR, CITY)
        page = context.new_page()
        opened.append(Phone(context, page, Respondent(page)))
    yield opened
    for phone in opened:
        phone.context.close()


def go_to_photos(live_server: LivePlatform, phone: Phone) -> None:
    phone.form.open(f"{live_server.url}/interview?point={KEY}/{VENUE}")
    phone.form.answer_until("photo_price", ANSWERS)


def take(phone: Phone, name: str, content: bytes, kind: str = "image/jpeg") -> None:
    field = phone.form.item("photo_price").locator("input[type=file]")
    field.set_input_files({"name": name, "mimeType": kind, "buffer": content})


def test_two_observers_send_their_visits_one_on_a_bad_network(
    live_server: LivePlatform, phones: list[Phone], check: UUID
) -> None:
    one, other = phones
    go_to_photos(live_server, one)
    status = one.form.item("photo_price").locator("[role=status]")
    shown = one.form.item("photo_price").locator("img.sf-photo")

    take(one, "price.jpg", b"MZ not a photo at all")
    expect(status).to_contain_text(zh("This file is no photo. Photos in the formats JPEG, PNG and "
                                      "WebP are taken."))  # fmt: skip
    expect(shown).to_be_hidden()

    one.context.set_offline(True)
    take(one, "price.jpg", photo_of_the_camera())
    expect(status).to_have_text(zh(KEPT))
    expect(shown).to_be_visible()
    one.form.go_on()
    expect(one.page.locator(".sf-closing .sf-heading")).to_contain_text(
        zh("Saved on this device, not sent yet")
    )
    with read_scope(live_server.settings.store_url) as session:
        assert session.exec(select(VenueVisit)).all() == []
    one.context.set_offline(False)
    expect(one.page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))

    go_to_photos(live_server, other)
    take(other, "price.jpg", photo_of_the_camera())
    expect(other.form.item("photo_price").locator("[role=status]")).to_have_text(
        zh("The photo has arrived.")
    )
    other.form.go_on()
    expect(other.page.locator(".sf-heading")).to_have_text(zh("Received. Thank you!"))
    other.page.reload()
    expect(
        other.page.get_by_text(zh("Your visit of {venue} has arrived", venue="Market Street 1"))
    ).to_be_visible()

    with read_scope(live_server.settings.store_url) as session:
        visits = session.exec(select(Response).where(Response.wave_id == check)).all()
        assert [visit.status for visit in visits] == ["submitted", "submitted"]
        assert all(visit.withdrawal_sha256 is None for visit in visits)
        photos = session.exec(select(Photo).where(Photo.response_id != None)).all()  # noqa: E711
        assert len(photos) == 2
    stored = list((live_server.settings.data_dir / "photos").rglob("*.jpg"))
    assert stored
    for file in stored:
        content = file.read_bytes()
        assert CAMERA.encode() not in content
        with Image.open(io.BytesIO(content)) as picture:
            assert max(picture.size) <= 2_048
            assert not picture.getexif()
