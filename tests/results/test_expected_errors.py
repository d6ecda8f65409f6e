"""Errors expected of so many interviews, from the shown figures of a frozen wave."""

import numpy as np
import pytest

from survey.access.principal import OPERATOR
from survey.figures.views.expected_errors import build_error_card
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults
from survey.results.expected_errors import INTERVIEWS, fit_expected_errors


@pytest.mark.parametrize("shares", [False, True])
def test_more_interviews_have_less_error_as_the_wave_s_own(
    frozen: dict[str, WaveResults], shares: bool
) -> None:
    results = frozen["main-2024"]
    found = fit_expected_errors(results, OPERATOR, shares=shares)
    assert found is not None
    assert list(found.half_widths) == sorted(found.half_widths, reverse=True)
    # The errors of these waves follow such a function, so nothing is left to chance.
    assert (found.r_squared, found.low, found.high) == (1, 1, 1)
    indicator = "had_dispute" if shares else "composite"
    cells = results.cells(OPERATOR, area_level="city", group="all", indicator=indicator)
    cells = cells[cells["shown"] & (cells["status"].astype(str) == "ok")]
    half = (cells["ci_high"] - cells["ci_low"]).astype(float) / 2
    figure = cells["estimate"].astype(float)
    middle = 50.0 if shares else figure.median()
    half *= np.sqrt(middle * (100 - middle) / (figure * (100 - figure)))
    logs = np.log(cells["n"].astype(float)), np.log(INTERVIEWS), np.log(found.half_widths)
    assert np.median(half / np.exp(np.interp(*logs))) == pytest.approx(1, abs=0.1)


def test_the_card_says_what_it_rests_on(frozen: dict[str, WaveResults]) -> None:
    card = build_error_card(ViewContext(frozen["main-2024"], OPERATOR, "en"))
    assert card is not None
    assert len(card.columns["Interviews"]) == len(INTERVIEWS)
    assert "R² = " in card.note
    assert "it is off by about" in card.note
