"""What to improve first: in words with its certainty, as a matrix, and why there may be none."""

import numpy as np
import pytest

from survey.access.principal import OPERATOR
from survey.figures.charts import ELDER, chart_spec
from survey.figures.views.drivers import (
    CITY,
    DriverFilters,
    DriversView,
    build_driver_view,
    driver_choices,
)
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults

Frozen = dict[str, WaveResults]
SHANGHAI = "310000"


def view(
    frozen: Frozen,
    city: str = SHANGHAI,
    whom: str = CITY,
    language: str = "en",
    wave: str = "main-2024",
) -> DriversView:
    return build_driver_view(
        ViewContext(frozen[wave], OPERATOR, language), filters=DriverFilters(city, whom)
    )


def rows_of(frozen: Frozen, **where: str):
    return frozen["main-2024"].drivers(OPERATOR, **where)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_first_three_are_named_with_their_agreement(frozen: Frozen, language: str) -> None:
    shown = view(frozen, language=language)
    own = rows_of(frozen, area_level="city", area=SHANGHAI, group="all")
    first = own[own["priority"] > 0].sort_values("priority")
    assert [priority.code for priority in shown.priorities] == list(first["indicator"].astype(str))
    assert [priority.agreement for priority in shown.priorities] == list(first["agreement"])
    for priority in shown.priorities:
        assert priority.name in shown.sentence
        assert f"{priority.agreement:.0f}%" in shown.sentence
    assert "500" in shown.sentence


def test_low_agreement_is_said_in_words(frozen: Frozen) -> None:
    shown = view(frozen)
    weak = [priority for priority in shown.priorities if priority.agreement < 50]
    assert len(weak) == 1
    assert "with care" in shown.certainty
    assert weak[0].name in shown.certainty
    assert "45%" in shown.certainty


def test_the_matrix_draws_what_the_table_says(frozen: Frozen) -> None:
    picture = view(frozen).matrix
    assert picture is not None
    own = rows_of(frozen, area_level="city", area=SHANGHAI, group="all")
    points = picture.data[picture.data["role"] != "reference"]
    np.testing.assert_array_equal(points["importance"], own["importance"])
    np.testing.assert_array_equal(points["performance"], own["performance"])
    average = picture.data[picture.data["role"] == "reference"].iloc[0]
    assert average["importance"] == round(float(own["importance"].mean()), 1)
    assert (points["role"] == "focus").sum() == 3
    assert picture.table["First to improve"].tolist()[:4] == ["1", "2", "3", ""]
    assert picture.table["Importance (%)"].iloc[3:].is_monotonic_decreasing
    assert len(chart_spec(picture.kind, picture.text, ELDER)["layer"]) == 10


def test_groups_of_the_nation_are_offered(frozen: Frozen) -> None:
    choices = driver_choices(ViewContext(frozen["main-2024"], OPERATOR, "en"))
    assert list(choices) == [CITY, "all", "elderly=yes", "guardian=yes", "residence=rural"]
    shown = view(frozen, whom="elderly=yes")
    assert shown.matrix is not None
    assert "60–70 years" in shown.matrix.title


def test_a_small_city_says_why_there_is_nothing(frozen: Frozen) -> None:
    table = frozen["main-2024"].drivers(OPERATOR, area_level="city")
    small = table[table["no_drivers"].astype(str) != ""]
    if small.empty:
        pytest.skip("every made-up city has enough respondents")
    shown = view(frozen, city=str(small["area"].iloc[0]))
    assert shown.matrix is None
    assert "Fewer than 100" in shown.sentence


def test_a_wave_without_the_question_says_so(frozen: Frozen) -> None:
    shown = view(frozen, wave="elderly-2024")
    assert shown.matrix is None
    assert shown.priorities == ()
    assert "no question" in shown.sentence
