"""A city's officials choose whom it is compared with; a link never changes what they chose."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from sqlmodel import col, select
from streamlit.testing.v1 import AppTest

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import Settings, current_settings
from survey.store.engine import session_scope
from survey.store.tables import ChosenPeer, Wave, WaveState
from tests.pages.conftest import open_tab
from tests.wave_states import set_wave_state

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
SUZHOU = "320500"
PEERS = ["320100", "440300", "510100"]
"""Nanjing, Shenzhen and Chengdu; two of them are of another size than Suzhou."""


@pytest.fixture(autouse=True)
def _store(frozen_waves: Settings, tmp_path: Path, use_store: Callable[[Settings], None]) -> None:
    shutil.copytree(frozen_waves.data_dir, tmp_path / "data")
    use_store(Settings(data_dir=tmp_path / "data", database_url="", demo=True))


def stored() -> list[str]:
    with session_scope(current_settings().store_url) as session:
        query = select(ChosenPeer.peer_code).where(ChosenPeer.city_code == SUZHOU)
        return list(session.exec(query.order_by(col(ChosenPeer.position))))


def choose(app: AppTest, peers: list[str]) -> AppTest:
    (field,) = app.multiselect
    field.set_value(peers).run()
    return press(app, "/save")


def press(app: AppTest, end: str) -> AppTest:
    (button,) = (each for each in app.button if str(each.key).endswith(end))
    button.click().run()
    assert not app.exception
    return app


def open_city(open_page: Open, role: Role = Role.CITY_OFFICIAL, **query: str) -> AppTest:
    return open_page(PageKey.CITY, role, **{"lang": "en", "city": SUZHOU, **query})


def test_the_line_and_the_yardstick_follow_the_choice_and_go_back(
    open_page: Open, read: Read
) -> None:
    app = open_city(open_page)
    assert "it is compared with those of its size" in read(app)
    assert "Mega cities: " in read(app)
    assert "peers" not in app.selectbox(key="against/en").options
    choose(app, PEERS)
    assert stored() == PEERS
    words = read(app)
    assert [message.value for message in app.success] == ["The cities to compare with are kept."]
    assert "Chosen to compare with: 3 cities" in words
    assert "Chosen by this city: Nanjing, Shenzhen, Chengdu." in words
    app.selectbox(key="against/en").set_value("peers").run()
    open_tab(app, "Indicators")
    assert "Suzhou beside Mean of 3 chosen cities, indicator by indicator" in [
        title.value for title in app.subheader
    ]
    press(app, "/reset")
    assert stored() == []
    assert "Mega cities: " in read(app)
    assert app.selectbox(key="against/en").value == "nation"


def test_a_link_shows_the_same_peers_to_all_and_changes_nothing(
    open_page: Open, read: Read
) -> None:
    choose(open_city(open_page), PEERS)
    for role in (Role.NATIONAL_OFFICIAL, Role.CITY_OFFICIAL, Role.ANALYST):
        app = open_city(open_page, role, peers="110000", against="peers")
        assert "Chosen by this city: Nanjing, Shenzhen, Chengdu." in read(app)
    assert stored() == PEERS


def test_readers_without_the_right_see_the_choice_and_no_way_to_change_it(
    open_page: Open, read: Read
) -> None:
    app = open_city(open_page, Role.ANALYST)
    assert not app.multiselect
    assert "it is compared with those of its size" not in read(app)
    neighbour = open_page(PageKey.CITY, Role.CITY_OFFICIAL, lang="en", city="110000")
    assert not neighbour.multiselect
    assert "Beijing" in read(neighbour)


def test_before_release_the_chosen_cities_are_named_without_figures(
    open_page: Open, read: Read
) -> None:
    choose(open_city(open_page), PEERS)
    with session_scope(current_settings().store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == "main-2024")).one()
        set_wave_state(session, wave, WaveState.FROZEN)
    st.cache_data.clear()
    app = open_city(open_page, against="peers")
    words = read(app)
    assert "Not shown in this wave: Nanjing, Shenzhen, Chengdu." in words
    assert "Chosen to compare with" not in words
    assert "Suzhou beside Nation" in open_tab(app, "Indicators").subheader[0].value
