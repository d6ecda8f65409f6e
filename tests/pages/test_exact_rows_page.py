"""The page of exports: an analyst asks for an exact file, another person decides, once taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.files.microdata.exact_requests import (
    ExactRequest,
    RequestState,
    list_exact_requests,
    request_exact_rows,
)
from survey.kit.navigation import PageKey
from survey.results.freeze import freeze_frame
from survey.settings import Settings
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import read_scope, session_scope
from survey.store.tables import now
from tests.small_waves import KEY as WAVE
from tests.small_waves import SmallWave, person, questionnaire, rating, small_tree, small_wave
from tests.work_of import work_of

PURPOSE = "Weights for a simulation of the design"


@pytest.fixture
def frozen(field: Any, tmp_path: Path) -> Settings:
    instrument = questionnaire(
        rating("price", "1.1.1"),
        rating("service", "2.1.1"),
        rating("overall"),
        tree="small",
        name="exact",
        few_groups=True,
    )
    wave = small_wave(tmp_path, url=field.url, instrument=instrument, tree=small_tree())
    settings = wave.settings
    people = [person(number, "110000", psu=f"p{number % 4}") for number in range(120)]
    with session_scope(field.url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=settings),
            wave=SmallWave(settings).read(session),
            frame=build_response_frame(people, instrument),
            options=FreezeOptions(final=True),
        )
    return settings


def requests(settings: Settings) -> list[ExactRequest]:
    with read_scope(settings.store_url) as session:
        return list_exact_requests(work_of(session, OPERATOR, now()))


def pressed(app: AppTest, label: str) -> AppTest:
    (button,) = [widget for widget in app.button if widget.label == label]
    button.click().run()
    assert not app.exception
    return app


def page_text(app: AppTest, read: Callable[[AppTest], str]) -> str:
    texts = [*(element.value for element in app.success), *(element.value for element in app.text)]
    return "\n".join([read(app), *texts, *(element.value.to_csv() for element in app.table)])


def test_one_asks_another_approves_and_the_file_is_taken_once(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    fetch: Callable[[AppTest, str], bytes],
    read: Callable[[AppTest], str],
) -> None:
    analyst, official = employ(Role.ANALYST, "CN"), employ(Role.NATIONAL_OFFICIAL, "CN")
    app = visit_as(PageKey.EXPORT, analyst)
    pressed(app, "Ask for an exact file")
    assert "Please say what the rows are needed for" in page_text(app, read)
    assert requests(frozen) == []
    app.text_area(key="exact/purpose").set_value(PURPOSE)
    pressed(app, "Ask for an exact file")
    assert "waits for another person's approval" in page_text(app, read)
    assert "waits for approval" in page_text(app, read)
    assert "Ask for an exact file" not in [widget.label for widget in app.button]

    app = visit_as(PageKey.EXPORT, official)
    assert PURPOSE in page_text(app, read)
    assert "Make the file" not in [widget.label for widget in app.button]
    pressed(app, "Approve")
    assert "Please give the reason" in page_text(app, read)
    (request,) = requests(frozen)
    app.text_input(key=f"exact/reason/{request.id}").set_value("Agreed with the board")
    pressed(app, "Approve")
    assert "The request is approved." in page_text(app, read)
    assert "No request waits" in page_text(app, read)

    app = visit_as(PageKey.EXPORT, analyst)
    assert "Agreed with the board" in page_text(app, read)
    content = fetch(app, f"exact/{request.id}/take").decode("utf-8-sig")
    assert "EXACT FILE" in content
    assert PURPOSE in content
    assert "approved by Sun" in content
    app.run()
    assert "file taken" in page_text(app, read)
    assert "Take the exact file" not in [widget.label for widget in app.button]
    (request,) = requests(frozen)
    assert request.state is RequestState.TAKEN


def test_a_refusal_is_read_with_its_reason(
    frozen: Settings,
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    analyst, administrator = employ(Role.ANALYST, "CN"), employ(Role.ADMINISTRATOR, "CN")
    with session_scope(frozen.store_url) as session:
        number = request_exact_rows(
            work_of(session, analyst, now()), wave_key=WAVE, purpose=PURPOSE
        )
    app = visit_as(PageKey.EXPORT, administrator)
    app.text_input(key=f"exact/reason/{number}").set_value("The ordinary file will do")
    pressed(app, "Do not approve")
    assert "The request is not approved." in page_text(app, read)
    words = page_text(visit_as(PageKey.EXPORT, analyst), read)
    assert "The ordinary file will do" in words
    assert "not approved" in words


def test_without_requests_whoever_decides_reads_so(
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    app = visit_as(PageKey.EXPORT, employ(Role.NATIONAL_OFFICIAL, "CN"))
    assert "No request waits" in page_text(app, read)
    assert not app.button


def test_an_administrator_of_one_city_decides_nothing(
    visit_as: Callable[..., AppTest],
    employ: Callable[[Role, str], Principal],
    read: Callable[[AppTest], str],
) -> None:
    app = visit_as(PageKey.EXPORT, employ(Role.ADMINISTRATOR, "110000"))
    assert "your area is smaller" in page_text(app, read)
    assert not app.button
