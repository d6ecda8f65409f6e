"""The error budget as it is read: a table in plain words, and a sentence on the quota sample."""

from collections.abc import Iterator

import pandas as pd
import pytest

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.figures.views.error_budget import build_error_table, describe_selection
from survey.figures.views.view_context import ViewContext
from survey.results import open_results
from survey.results.freeze import freeze_wave
from survey.results.method_sheets import ERRORS, KEYS
from survey.store.engine import dispose_engines, read_scope
from tests.small_waves import KEY, small_instrument, small_tree, small_wave, store_people


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViewContext]:
    wave = small_wave(
        tmp_path_factory.mktemp("errors"),
        instrument=small_instrument(few_groups=True),
        tree=small_tree(),
    )
    store_people(wave, {"110000": 40, "310000": 40})
    freeze_wave(wave.settings, wave_key=KEY, actor=OPERATOR)
    with read_scope(wave.settings.store_url) as session:
        yield ViewContext(open_results(wave.settings, session, KEY), OPERATOR, "en")
    dispose_engines()


def test_a_frozen_wave_has_a_line_for_every_source_of_error(context: ViewContext) -> None:
    table = build_error_table(context)
    said = dict(zip(table["Source of error"], table["National score, points"], strict=True))
    by_refusals = [name for name in ERRORS.lines if name.startswith("refusals_")]
    assert len(said) == len(ERRORS.lines) - len(by_refusals) + 1
    assert all(said.values())
    assert any(text.startswith("Not known, because no sampling points") for text in said.values())
    chance = next(text for name, text in said.items() if name.startswith("Chance of who"))
    assert float(chance) > 0
    assert describe_selection(context).startswith(
        "How far this moves the score: Not known, because there are no figures of the population"
    )


def row(area: str, item: str, bias: float, verdicts: float) -> dict[str, object]:
    level = "nation" if area == NATION else "city"
    keys = dict(zip(KEYS, (level, area, "all", "composite", "selection", item), strict=True))
    return keys | {"bias": bias, "verdicts": verdicts, "obstacle": "", "shown": True, "reason": ""}


def test_the_quota_sample_carries_its_number(
    context: ViewContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = {NATION: (0.4, 1.0, 2.5, 7.0), "110000": (-0.3, -0.8, -2.0, 1.0),
             "310000": (0.1, 0.2, 0.5, 0.0)}  # fmt: skip
    rows = pd.DataFrame(
        [
            row(area, item, bias, sizes[3])
            for area, sizes in areas.items()
            for item, bias in zip(("phi=0", "phi=0.5", "phi=1"), sizes, strict=False)
        ]
    )
    monkeypatch.setattr(
        context.results, "sheet",
        lambda *_, area: rows[rows["area"].isin([area] if isinstance(area, str) else area)],
    )  # fmt: skip
    national = describe_selection(context)
    assert "the score is 1.0 points off (from +0.4 to +2.5; above zero" in national
    # The wave has two cities, and its texts say so where others say "the nation".
    assert "7 cities would no longer be called above or below the two cities together" in national
    beijing = describe_selection(context, "110000")
    assert "0.8 points off (from -2.0 to -0.3" in beijing.replace("−", "-")
    assert "A selection of this strength would change the verdict" in beijing
    assert "It would not change the verdict on this city" in describe_selection(context, "310000")
    # A city whose row is hidden, or that is not the reader's, has no sentence.
    rows.loc[rows["area"] == "310000", ["bias", "verdicts"]] = float("nan")
    assert describe_selection(context, "310000") == ""
    assert describe_selection(context, "440100") == ""
