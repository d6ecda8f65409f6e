"""The order of the cities on the national overview: the focus, small cities, nothing to order."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from survey.access.roles import Role
from survey.kit.navigation import PageKey
from survey.settings import Settings
from tests.pages.conftest import open_tab
from tests.synthetic_results import MAIN_GROUPS, SyntheticWave, synthetic_store

Open = Callable[..., AppTest]
Read = Callable[[AppTest], str]
Use = Callable[[Settings], None]


def box(app: AppTest, name: str, language: str = "en") -> Selectbox:
    return app.selectbox(key=f"{name}/{language}")


def shaded(app: AppTest) -> str:
    """What the picture says to those who cannot see it."""
    alts = [chart.proto.alt for chart in app.get("vega_lite_chart")]
    return next(alt for alt in alts if "by city" in alt)


def test_nobody_is_in_focus_until_chosen_then_it_is_shared_by_link_and_said(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    assert box(app, "city").value == "all"
    assert ": place " not in read(app)
    assert "neighbouring places differ clearly" in read(app)
    assert "city" not in app.query_params
    box(app, "city").set_value("320500").run()
    assert app.query_params["city"] == "320500"
    assert "Suzhou: place " in read(app)
    assert "Suzhou: place " in shaded(app)
    again = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="zh", city="320500")
    assert "苏州：在 100 座城市中排第" in read(again)


def test_an_official_of_a_city_starts_with_it(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    app = open_page(PageKey.OVERVIEW, Role.CITY_OFFICIAL, lang="en")
    assert box(app, "city").value == "320500"
    assert "Suzhou: place " in read(app)


def test_the_way_of_counting_is_in_the_address_and_beside_the_number(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    assert "Nation: all residents as one population" in read(app)
    assert "Good (probability &gt;99%)" in read(app)
    box(app, "basis").set_value("city_weighted").run()
    assert app.query_params["basis"] == "city_weighted"
    assert "Nation: mean of the cities, weighted by residents" in read(app)


@pytest.fixture
def wave_of(use_store: Use, tmp_path: Path) -> Callable[[int], None]:
    """Serve one wave with so many interviews."""

    def make(n: int) -> None:
        settings = Settings(data_dir=tmp_path, database_url="", demo=True)
        plan = SyntheticWave("main-2024", "main", 2024, MAIN_GROUPS, n)
        synthetic_store(settings, plans=(plan,), measures_a_topic=1)
        use_store(settings)

    return make


def test_small_cities_are_shown_without_places(
    open_page: Open, read: Read, wave_of: Callable[[int], None]
) -> None:
    wave_of(5_000)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en", city="320500")
    words = read(app)
    assert "takes no place: that needs at least 100 interviews" in words
    assert "neighbouring places" not in words
    assert "Something went wrong" not in words
    assert "No city takes a place" in words
    assert len(app.get("vega_lite_chart")) == 3


def test_hidden_cities_cannot_be_put_in_focus(
    open_page: Open, read: Read, wave_of: Callable[[int], None]
) -> None:
    wave_of(400)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en", city="320500")
    words = read(app)
    assert "Something went wrong" not in words
    assert not [selectbox for selectbox in app.selectbox if selectbox.label == "City in focus"]
    assert "place " not in "".join(json.dumps(html.proto.body) for html in app.get("html"))
    assert "Not shown: Composite satisfaction by city" in words
    assert len(app.get("vega_lite_chart")) == 1


def test_only_the_open_tab_is_drawn(
    open_page: Open, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    titles = ["Order of the cities", "Indicators", "Areas", "Table of the cities"]
    assert [tab.label for tab in app.tabs] == titles
    drawn = {
        title: [subheader.value for subheader in open_tab(app, title).subheader] for title in titles
    }
    assert drawn == {
        "Order of the cities": ["Composite satisfaction by city (100)"],
        "Indicators": ["First- and second-level indicators"],
        "Areas": ["Composite satisfaction by area: Three regions"],
        "Table of the cities": ["Composite satisfaction by city"],
    }


def test_the_table_of_the_cities_is_sortable_and_can_be_taken_away(
    open_page: Open, frozen_waves: Settings, use_store: Use, fetch: Callable[[AppTest, str], bytes]
) -> None:
    use_store(frozen_waves)
    app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en")
    table = open_tab(app, "Table of the cities").dataframe[0].value
    assert len(table) == 100
    assert table["Place"].tolist() == sorted(table["Place"])
    content = fetch(app, "cities/csv").decode("utf-8-sig")
    assert "DEMO DATA" in content
    assert "Suzhou" in content


def test_the_cities_that_stand_out_are_links_to_their_pages(
    open_page: Open, read: Read, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)
    words = read(open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en", large="1"))
    links = re.findall(r'<a href="(/city[^"]*)"', words)
    assert len(links) == 20
    assert all("wave=main-2024" in link for link in links)
    assert all("lang=en&amp;large=1" in link for link in links)


def test_a_few_cities_leave_no_empty_frame(
    open_page: Open, frozen_waves: Settings, use_store: Use
) -> None:
    use_store(frozen_waves)

    def frames(**query: str) -> list[int]:
        app = open_page(PageKey.OVERVIEW, Role.NATIONAL_OFFICIAL, lang="en", **query)
        return [height for height in _fixed_heights(app.main) if height >= 400]

    assert frames() == [600]
    assert frames(city_class="直辖市") == []


def _fixed_heights(block: Any) -> list[int]:
    config = getattr(getattr(block, "proto", None), "height_config", None)
    own = [config.pixel_height] if config else []
    below = getattr(block, "children", {}).values()
    return own + [height for child in below for height in _fixed_heights(child)]
