"""Median and middle half of the answers, below the indicators of the nation and of a city."""

import pytest

from survey.access.principal import OPERATOR
from survey.access.roles import Role
from survey.figures.views.spread import build_spread_panel
from survey.figures.views.view_context import ViewContext
from survey.kit.navigation import PageKey
from survey.results import open_results
from survey.store.engine import read_scope
from tests.pages.conftest import open_data, open_tab


@pytest.fixture(autouse=True)
def _store(frozen_waves, use_store):
    use_store(frozen_waves)


@pytest.mark.parametrize(
    ("page", "area", "name"),
    [(PageKey.CITY, {"city": "310000"}, "Shanghai"), (PageKey.OVERVIEW, {}, "Nation")],
)
def test_the_spread_is_drawn_once_it_is_asked_for(open_page, read, page, area, name):
    app = open_page(page, Role.NATIONAL_OFFICIAL, lang="en", **area)
    open_tab(app, "Indicators")
    assert "Median and middle half of the answers" not in read(app)
    [asked] = [each for each in app.toggle if each.label.startswith("Spread of the answers")]
    asked.set_value(True).run()
    words = read(app)
    assert f"Median and middle half of the answers, {name}" in words
    assert "Half of the people gave the median or less." in words
    tables = [each.value for each in open_data(app).table]
    [table] = [each for each in tables if "Median" in each]
    assert {"Mean", "95%\u00a0interval", "Middle half of the answers", "n"} <= set(table)
    shown = table[table["Median"] != ""]
    assert len(shown) > 20
    # As planted: five points above the mean, rounded once each.
    assert ((shown["Median"].astype(float) - shown["Mean"].astype(float) - 5).abs() < 0.11).all()
    assert shown["Middle half of the answers"].str.contains(" to ").all()


def test_an_area_without_rows_shows_no_figures_of_the_nation(frozen_waves):
    with read_scope(frozen_waves.store_url) as session:
        context = ViewContext(open_results(frozen_waves, session, "main-2024"), OPERATOR, "en")
        assert build_spread_panel(context, area="999999") == (
            "Nothing is shown here: too few interviews, or to protect personal data."
        )
