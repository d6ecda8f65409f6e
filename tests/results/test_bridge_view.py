"""What the tab of the bridge draws: two levels, earlier waves carried over with both errors."""

from collections.abc import Iterator

import numpy as np
import pytest

from survey.access.principal import OPERATOR
from survey.estimate.tree import COMPOSITE
from survey.figures.charts.interval_charts import OWN, PUBLISHED
from survey.figures.views.bridge import build_bridge_view
from survey.figures.views.view_context import ViewContext
from survey.results import open_results
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope


@pytest.fixture
def contexts(synthetic_waves: Settings) -> Iterator[tuple[ViewContext, ViewContext]]:
    settings = synthetic_waves
    with read_scope(settings.store_url) as session:
        after, before = (
            ViewContext(open_results(settings, session, key), OPERATOR, "en")
            for key in ("main-2024", "main-2023")
        )
        yield after, before
    dispose_engines()


def test_an_earlier_wave_stands_at_both_levels(contexts: tuple[ViewContext, ViewContext]) -> None:
    context, earlier = contexts
    view = build_bridge_view(context, indicator=COMPOSITE, others=[earlier.results])
    assert view.panel is not None
    rows = view.panel.chart_rows
    points = {
        (series, year): (score, low, high)
        for series, year, score, low, high in zip(
            *(rows[name] for name in ("series", "year", "estimate", "ci_low", "ci_high")),
            strict=True,
        )
    }
    own, old = OWN, PUBLISHED
    assert set(points) == {(own, 2023), (own, 2024), (old, 2023), (old, 2024)}
    words = view.panel.table_columns["Series"]
    assert set(words) == {"By the questionnaire of this wave", "By the earlier questionnaire"}
    asked, carried = points[old, 2023], points[own, 2023]
    assert carried[0] == pytest.approx(asked[0] - 2.0)
    half = np.hypot(asked[2] - asked[0], 0.6)
    assert carried[2] - carried[0] == pytest.approx(half, abs=0.051)
    assert points[old, 2024][0] == pytest.approx(points[own, 2024][0] + 2.0)
    assert {"A step of this size is more than chance."} <= set(view.sentences)


def test_without_earlier_waves_there_are_the_two_scores_of_this_one(
    contexts: tuple[ViewContext, ViewContext],
) -> None:
    # The wave of 2023 has no overlap, so nothing is carried to or from it.
    context, earlier = contexts
    view = build_bridge_view(context, indicator=COMPOSITE)
    assert view.panel is not None
    assert list(view.panel.chart_rows["year"]) == [2024, 2024]
    assert build_bridge_view(earlier, indicator=COMPOSITE, others=[context.results]).panel is None


def test_an_indicator_without_counterpart_says_so(
    contexts: tuple[ViewContext, ViewContext],
) -> None:
    view = build_bridge_view(contexts[0], indicator="9.9")
    assert view.sentences == ("The earlier questionnaire has no counterpart of this indicator.",)
    assert view.panel is None
