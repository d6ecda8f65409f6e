"""The start page shows each role what it needs first, and nothing of other roles."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey.access.roles import NATION, Role
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Account
from survey.ui.navigation import PageKey
from tests.synthetic_results import CITY_ROLES, MAIN_GROUPS, SyntheticWave, synthetic_store

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
Use = Callable[[Settings], None]


def home(open_page: Open, role: Role) -> AppTest:
    return open_page(PageKey.HOME, role, lang="en")


def test_a_city_official_reads_the_own_city(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, Role.CITY_OFFICIAL))
    for part in (
        "<h2>Suzhou</h2>",
        "Suzhou: place ",
        "2023",
        "Three strengths",
        "Three first to improve",
        "city=320500&amp;wave=main-2024",
    ):
        assert part in words


def test_a_national_official_reads_the_nation_and_the_cities_that_stand_out(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, Role.NATIONAL_OFFICIAL))
    assert words.count('class="hcs-tile"') == 3
    assert len(re.findall(r'<a href="/city\?', words)) == 20
    assert "Every wave is released." in words


def test_a_province_official_reads_the_cities_of_the_province(
    open_page: Open, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    table = home(open_page, Role.PROVINCE_OFFICIAL).dataframe[0].value
    assert len(table) == len(set(table["City"])) > 0


@pytest.mark.parametrize(
    ("role", "first"),
    [
        (Role.SUPERVISOR, "No wave is in the field"),
        (Role.SURVEYOR, "Nothing is assigned to you"),
        (Role.TYPIST, "Key the next sheet"),
        (Role.ANALYST, "Data files to take away"),
        (Role.ADMINISTRATOR, "Waves in work"),
    ],
)
def test_the_others_are_led_to_their_work(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use, role: Role, first: str
) -> None:
    use_store(frozen_waves)
    words = read(home(open_page, role))
    assert first in words
    assert "Your pages" in words
    assert "Something went wrong" not in words
    if role in {Role.SUPERVISOR, Role.SURVEYOR, Role.TYPIST}:
        assert 'class="number"' not in words


@pytest.mark.parametrize("role", Role)
def test_without_any_wave_the_page_says_what_comes(
    open_page: Open, read: Read, empty_store: Settings, use_store: Use, role: Role
) -> None:
    use_store(empty_store)
    area = "320500" if role in CITY_ROLES else NATION
    account = Account(login=f"demo-{role}", name="Li", role=role, area=area, is_demo=True)
    with session_scope(empty_store.store_url) as session:
        session.add(account)
    words = read(home(open_page, role))
    assert "Something went wrong" not in words
    assert "Your pages" in words
    assert ('class="hcs-checklist"' in words) == (role is Role.ADMINISTRATOR)


def test_a_city_whose_score_is_hidden_gets_a_card_and_no_findings(
    open_page: Open, read: Read, use_store: Use, tmp_path: Path
) -> None:
    tiny = Settings(data_dir=tmp_path, database_url="", demo=True)
    plan = SyntheticWave("main-2024", "main", 2024, MAIN_GROUPS, 400)
    synthetic_store(tiny, plans=(plan,), measures_a_topic=1)
    use_store(tiny)
    words = read(home(open_page, Role.CITY_OFFICIAL))
    assert "Not shown: the score" in words
    assert "Three strengths" not in words
    assert 'class="number"' not in words
