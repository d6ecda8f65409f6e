"""The release register in the browser: announced, signed by two people, published, taken back."""

import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.release.public_headline import PublicHeadline, find_public_headline
from survey.release.register import PublicationDraft, plan_publication
from survey.release.signing_keys import add_key_to_file, register_key
from survey.results.freeze import freeze_frame
from survey.results.release import MIN_NAMED_CITIES
from survey.screens import releases
from survey.screens.release_audit import format_values
from survey.settings import Settings
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    Publication,
    PublicationReader,
    PublicationState,
    Shown,
    Wave,
    WaveState,
    now,
)
from tests.pages.conftest import unescape
from tests.small_waves import KEY as WAVE
from tests.small_waves import SmallWave, person, questionnaire, rating, small_tree, small_wave
from tests.work_of import work_of

RELEASE = f"{WAVE}-1"


@pytest.fixture
def frozen(field: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A wave frozen for good, and a key to sign with outside the store."""
    instrument = questionnaire(
        rating("price", "1.1.1"),
        rating("service", "2.1.1"),
        rating("overall"),
        tree="small",
        name="released",
        few_groups=True,
    )
    wave = small_wave(tmp_path, url=field.url, instrument=instrument, tree=small_tree())
    people = [person(number, "110000", psu=f"p{number % 4}") for number in range(120)]
    key_file = tmp_path / "release.key"
    monkeypatch.setenv("SURVEY_RELEASE_KEY_FILE", str(key_file))
    with session_scope(field.url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=wave.settings),
            wave=SmallWave(wave.settings).read(session),
            frame=build_response_frame(people, instrument),
            options=FreezeOptions(final=True),
        )
        frozen = session.exec(select(Wave).where(Wave.key == WAVE)).one()
        frozen.state = WaveState.FROZEN
        session.add(frozen)
        key = add_key_to_file(key_file)
        register_key(work_of(session, OPERATOR, now()), public_key=key.public_bytes)
    return wave.settings


def announce(settings: Settings, *, hours_ago: int = 2, **given: str) -> None:
    """Announce a release whose minute, an hour after its announcement, may be over by now."""
    at = now() - timedelta(hours=hours_ago)
    draft = PublicationDraft(
        wave=WAVE,
        title_zh="第一次发布",
        title_en="First release",
        contact="Press office, 12315",
        embargo_until=at + timedelta(hours=1),
        **given,
    )
    with session_scope(settings.store_url) as session:
        plan_publication(work_of(session, OPERATOR, at), draft=draft)


def state_of(settings: Settings) -> PublicationState:
    with read_scope(settings.store_url) as session:
        return PublicationState(session.exec(select(Publication.state)).one())


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def text_of(app: AppTest, read: Callable[[AppTest], str]) -> str:
    parts = [*(unescape(each.value) for each in app.success), *(each.value for each in app.text)]
    return "\n".join([read(app), *parts, *(each.value.to_csv() for each in app.table)])


def test_two_people_sign_and_it_is_published_when_its_id_is_typed(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    fetch: Callable[[AppTest, str], bytes],
    read: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = employ(Role.NATIONAL_OFFICIAL, "CN"), employ(Role.ADMINISTRATOR, "CN")
    city = employ(Role.CITY_OFFICIAL, "110000")
    announce(frozen)
    assert "Release to sign: 1 · First release" in read(visit_as(PageKey.HOME, first))
    # It is announced: the checklist of its wave leads to the release itself.
    app = visit_as(PageKey.RELEASES, first, announce=WAVE)
    assert "announce" not in app.query_params
    assert app.query_params["release"] in (RELEASE, [RELEASE])
    app = press(app, f"releases/sign/{RELEASE}")
    assert state_of(frozen) is PublicationState.PLANNED
    assert "Release to sign" not in read(visit_as(PageKey.HOME, first))
    assert f'release={RELEASE}">' not in read(visit_as(PageKey.HOME, city))
    told = text_of(app, read)
    assert "You have signed this release" in told
    assert "Next another person signs here:" in told
    with read_scope(frozen.store_url) as session:
        assert session.get_one(Account, second.account_id).name in told
    assert f"releases/sign/{RELEASE}" not in {each.key for each in app.button}

    reader = visit_as(PageKey.RELEASES, city)
    assert "First release" in text_of(reader, read)
    assert "Press office, 12315" in text_of(reader, read)
    assert not [each for each in reader.button if str(each.key).startswith("releases/")]

    assert "Release to sign: 1" in read(visit_as(PageKey.HOME, second))
    app = press(visit_as(PageKey.RELEASES, second), f"releases/sign/{RELEASE}")
    assert state_of(frozen) is PublicationState.SIGNED
    assert "Release to publish: 1" in read(visit_as(PageKey.HOME, first))
    press(app, f"releases/publish/{RELEASE}")
    assert f"Please type {RELEASE} to confirm." in text_of(app, read)
    assert state_of(frozen) is PublicationState.SIGNED
    app.text_input(key=f"releases/typed/publish/{RELEASE}").set_value(RELEASE)
    # A double click on a slow day: both presses are handled before the page is drawn again.
    change = releases._change_if_typed
    monkeypatch.setattr(
        releases, "_change_if_typed", lambda *args: [change(*args) for _ in range(2)]
    )
    assert headline_of(frozen) is None
    press(app.run(), f"releases/publish/{RELEASE}")
    headline = headline_of(frozen)
    assert headline is not None
    assert headline.low < headline.score < headline.high
    assert headline.n == 120
    assert headline_of(frozen.model_copy(update={"demo": True})) is None, "no real one in a demo"
    told = text_of(app, read)
    assert f"{RELEASE} is published." in told
    assert "Nothing was changed." not in told
    assert state_of(frozen) is PublicationState.PUBLISHED

    # Onto the public site by two people, as it was not announced for it.
    monkeypatch.setattr(releases, "_change_if_typed", change)
    for person_, told_then in (
        (first, "people with an account here"),
        (first, "You signed this yourself."),
        (second, "everybody, on the public site"),
    ):
        page = visit_as(PageKey.RELEASES, person_)
        page.text_input(key=f"releases/typed/open/{RELEASE}").set_value(RELEASE)
        assert told_then in text_of(press(page, f"releases/open/{RELEASE}"), read)
    assert f"releases/open/{RELEASE}" not in {each.key for each in page.button}

    reader = visit_as(PageKey.RELEASES, city)
    archive = ZipFile(BytesIO(fetch(reader, f"releases/files/{RELEASE}")))
    assert {"release.json", "verify.py", "figures.csv"} <= set(archive.namelist())

    figure = f"{WAVE}-110000-composite-all-score"
    (row,) = [
        line.split(",")
        for line in archive.read("figures.csv").decode().splitlines()
        if line.startswith(f"{figure},")
    ]
    told = read(visit_as(PageKey.RELEASES, city, figure=figure))
    assert RELEASE in told
    assert row[7] in told
    assert "current" in told
    unknown = visit_as(PageKey.RELEASES, city, figure=f"{WAVE}-999999-composite-all-score")
    assert "No release of a wave has this figure" in read(unknown)

    announce(frozen, corrects=RELEASE, reason="A table lacked a city")
    for query, chosen in (({}, f"{WAVE}-2"), ({"release": RELEASE}, RELEASE)):
        page = visit_as(PageKey.RELEASES, second, **query)
        assert page.selectbox(key="release/en").value == chosen


def test_nothing_is_published_before_its_minute_and_a_release_is_taken_back_with_a_reason(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    people = employ(Role.NATIONAL_OFFICIAL, "CN"), employ(Role.ADMINISTRATOR, "CN")
    announce(frozen, hours_ago=0)
    for official in people:
        app = press(visit_as(PageKey.RELEASES, official), f"releases/sign/{RELEASE}")
    app.text_input(key=f"releases/typed/publish/{RELEASE}").set_value(RELEASE)
    press(app, f"releases/publish/{RELEASE}")
    assert "nothing is published before" in text_of(app, read)
    assert state_of(frozen) is PublicationState.SIGNED

    press(app, f"releases/retract/{RELEASE}")
    assert "Please say in a few words" in text_of(app, read)
    app.text_input(key=f"releases/reason/{RELEASE}").set_value("A table lacked a city")
    press(app, f"releases/retract/{RELEASE}")
    assert state_of(frozen) is PublicationState.RETRACTED
    assert headline_of(frozen) is None
    assert "A table lacked a city" in text_of(visit_as(PageKey.RELEASES, people[0]), read)


def headline_of(settings: Settings) -> PublicHeadline | None:
    """The score that whoever is not signed in reads."""
    with read_scope(settings.store_url) as session:
        return find_public_headline(session, settings)


def test_an_official_announces_a_release_in_the_form(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    app = visit_as(PageKey.RELEASES, employ(Role.NATIONAL_OFFICIAL, "CN"), announce=WAVE)
    assert "No release has been announced yet" in text_of(app, read)
    titles = [each.value for each in app.text_input if each.label.endswith("title")]
    with read_scope(frozen.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == WAVE)).one()
    assert titles == [f"{wave.title_zh}结果", f"Results: {wave.title_en}"]
    (day,) = app.date_input
    assert day.value == china_date(now()) + timedelta(days=1)
    (announcing,) = [each for each in app.button if each.label == "Announce"]
    announcing.click().run()
    assert "Title, contact and" in text_of(app, read)
    for label, words in (
        ("Chinese title", "第一次发布"),
        ("Contact", "Press office, 12315"),
        ("Publisher", "中国消费者协会"),
    ):
        (field,) = [each for each in app.text_input if each.label == label]
        field.set_value(words)
    (shown,) = app.radio
    shown.set_value("names")
    (announcing,) = [each for each in app.button if each.label == "Announce"]
    announcing.click().run()
    assert not app.exception
    with read_scope(frozen.store_url) as session:
        release = session.exec(select(Publication)).one()
    assert (release.state, release.title_zh) == (PublicationState.PLANNED, "第一次发布")
    assert (release.issuer, release.logo_sha256) == ("中国消费者协会", None)
    assert (release.shown, release.first_places) == (Shown.NAMES, MIN_NAMED_CITIES)
    assert "The release is announced." in text_of(app, read)
    assert "A wave can be announced once it is frozen for good." in text_of(app, read)
    assert app.query_params["release"] in (RELEASE, [RELEASE])


def test_somebody_is_put_on_the_pre_release_list_and_taken_off(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    official, city = employ(Role.NATIONAL_OFFICIAL, "CN"), employ(Role.CITY_OFFICIAL, "110000")
    with read_scope(frozen.store_url) as session:
        login = session.get_one(Account, city.account_id).login
    announce(frozen, hours_ago=0)
    prefix = f"releases/reader/{RELEASE}"
    app = visit_as(PageKey.RELEASES, official)
    app.text_input(key=f"{prefix}/login").set_value(login)
    app.text_area(key=f"{prefix}/reason").set_value("Answers the press that morning")
    press(app, f"{prefix}/add")
    assert "Please choose the day" in text_of(app, read)
    app.date_input(key=f"{prefix}/day").set_value((now() + timedelta(days=1)).date())
    press(app, f"{prefix}/add")
    assert f"{login} is on the list of {RELEASE}." in text_of(app, read)
    assert "Answers the press that morning" in text_of(app, read)
    assert "Answers the press" not in text_of(visit_as(PageKey.RELEASES, city), read)
    with read_scope(frozen.store_url) as session:
        listed = session.exec(
            select(AuditEntry).where(AuditEntry.action == AuditEvent.RELEASE_READER_LISTED.value)
        ).all()
    assert len(listed) == 1
    app = press(visit_as(PageKey.RELEASES, official), f"{prefix}/remove/{login}")
    assert f"{login} is off the list of {RELEASE}." in text_of(app, read)
    with read_scope(frozen.store_url) as session:
        assert session.exec(select(PublicationReader)).first() is None


def test_the_plan_page_says_how_the_audit_of_a_frozen_wave_stands(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer = employ(Role.NATIONAL_OFFICIAL, "CN")
    with monkeypatch.context() as without:
        without.setattr("survey.results.whole_audits.find_whole_audit", lambda *_: None)
        app = visit_as(PageKey.PLAN, signer, wave=WAVE, part="freeze")
        assert "Audit of hidden counts: still to pass; it has not begun" in read(app)
    app = visit_as(PageKey.PLAN, signer, wave=WAVE, part="freeze")
    assert re.search(r"Audit of hidden counts: passed: \d+ hidden counts", read(app))
    assert re.search(r'href="/releases[^"]*"[^>]*>Release register<', read(app))
    app.query_params["lang"] = "zh"
    assert "未显示人数的核查：" in read(app.run())


def test_numbers_of_a_history_are_written_as_on_other_pages() -> None:
    """A release prints them for machines: without a sign for thousands, the minus as a hyphen."""
    printed = {"estimate": "-4.5", "ci_low": "-6.0", "ci_high": "", "n": "6200"}
    assert format_values(printed) == ("−4.5", "−6.0", "", "6,200")
    assert format_values({}) == ("", "", "", "")


def test_one_name_is_not_shown_twice_as_if_it_were_two_people(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    """Where nobody else may sign, one person is enough, and the page says so."""
    alone = employ(Role.NATIONAL_OFFICIAL, "CN")
    announce(frozen)
    app = press(visit_as(PageKey.RELEASES, alone), f"releases/sign/{RELEASE}")
    assert state_of(frozen) is PublicationState.SIGNED
    assert "Nobody else has the right to confirm this" in text_of(app, read)
