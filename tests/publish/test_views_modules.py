"""Modules beside the score: losses with their middle, areas beside the nation, and city by city."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.figures.views.education import build_education_view
from survey.figures.views.estimate_text import Estimate
from survey.figures.views.modules import (
    ModuleView,
    build_module_cities,
    build_module_view,
    list_module_measures,
)
from survey.figures.views.special_groups import (
    DETRIMENT,
    LOSS_BOUNDS,
    describe_middle_loss,
    find_middle_loss,
)
from survey.figures.views.view_context import ViewContext
from survey.locale import translator
from survey.reports.contents import ReportKind
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults, open_results
from survey.settings import Settings
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import new_id

CITY = Principal(new_id(), "c", Role.CITY_OFFICIAL, "420500")


@pytest.fixture(scope="module")
def results(frozen_small_demo: Path) -> Iterator[WaveResults]:
    settings = Settings(database_url="", data_dir=frozen_small_demo)
    with session_scope(settings.store_url) as session:
        yield open_results(settings, session, "main-2024")
    dispose_engines()


def module(
    results: WaveResults,
    topic: str = DETRIMENT,
    *,
    principal: Principal = OPERATOR,
    language: str = "zh",
    area: str = "CN",
) -> ModuleView:
    return build_module_view(ViewContext(results, principal, language), topic=topic, area=area)


def share(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, n=100, status="ok", shown=True)


HIDDEN = Estimate(None)


@pytest.mark.parametrize(
    ("shares", "middle"),
    [
        ((share(70, 80), share(40, 49), share(10, 20), share(2, 5)), (1, 200)),
        ((share(70, 80), share(45, 55), share(10, 20), share(2, 5)), (1, 1000)),
        ((share(45, 55), share(30, 40), share(10, 20), share(2, 5)), (0, 200)),
        ((share(20, 30), share(10, 20), share(5, 9), HIDDEN), (0, 1)),
        ((share(90, 99), share(80, 90), share(70, 80), share(60, 70)), (5000, None)),
        ((share(70, 80), HIDDEN, share(10, 20), share(2, 5)), (1, 1000)),
        ((HIDDEN, HIDDEN, HIDDEN, HIDDEN), (0, None)),
    ],
)
def test_the_middle_loss_lies_where_a_half_is_crossed(
    shares: tuple[Estimate, ...], middle: tuple[int, int | None]
) -> None:
    assert find_middle_loss(shares) == middle


def test_the_middle_loss_is_said_in_words_or_not_at_all() -> None:
    zh = translator("zh")
    shares = (share(70, 80), share(40, 49), share(10, 20), share(2, 5))
    assert describe_middle_loss(shares, zh) == [
        "一次纠纷的损失，中间水平在1元至199元之间（95%区间）。"
    ]
    assert describe_middle_loss((HIDDEN,) * len(LOSS_BOUNDS), zh) == []


@given(st.lists(st.floats(0, 100), min_size=4, max_size=4), st.floats(0, 30))
def test_the_middle_always_lies_within_what_is_said(shares: list[float], margin: float) -> None:
    """The true median is never outside: the amounts that half reach, whatever the margin."""
    falling = sorted(shares, reverse=True)
    known = [share(max(0.0, p - margin), min(100.0, p + margin)) for p in falling]
    low, high = find_middle_loss(known)
    reached = [amount for (_, amount), p in zip(LOSS_BOUNDS, falling, strict=True) if p >= 50]
    assert low <= max(reached, default=0)
    if high is not None:
        assert max(reached, default=0) < high


def test_losses_of_the_nation_have_interval_base_and_wave(results: WaveResults) -> None:
    shown = module(results)
    assert "2024" in shown.title
    assert shown.sentences[0].startswith("遇到纠纷者损失了钱：")
    assert "至" in shown.sentences[0]
    assert "n = " in shown.sentences[0]
    reports, ratings = shown.panels
    assert reports.key == "module-reports-detriment"
    assert len(reports.table) == 7
    assert len(ratings.table) == 1
    n = reports.data["n"].max()
    assert 30 < n < 200  # those with a dispute, not all 620
    assert f"n = {n:,.0f}" in reports.subtitle
    assert any("不设上限" in note for note in shown.notes)
    assert any("不影响得分" in note for note in shown.notes)


def test_a_city_stands_beside_the_nation_and_keeps_back_what_is_few(results: WaveResults) -> None:
    shown = module(results, principal=CITY, area="420500")
    assert shown.panels[0].text.series == ("宜昌", "全国")
    hidden = shown.panels[0].data.query("role == 'hidden'")
    assert hidden[["estimate", "ci_low", "ci_high", "n"]].isna().all(axis=None)


@pytest.mark.parametrize(("topic", "reports", "rated"), [("green", 4, 2), ("service", 4, 6)])
def test_green_shopping_and_services_are_modules_alike(
    results: WaveResults, topic: str, reports: int, rated: int
) -> None:
    shown = module(results, topic)
    assert [len(panel.table) for panel in shown.panels] == [reports, rated]


def test_a_wave_that_did_not_ask_has_no_module(results: WaveResults) -> None:
    assert not module(results, "form").is_asked


def test_education_that_was_not_asked_is_not_called_hidden(results: WaveResults) -> None:
    nowhere = "999999"
    other = copy(results)
    kept = tuple(each for each in results.method.measures if each.topic != "education")
    vars(other)["method"] = results.method.model_copy(update={"measures": kept})
    hidden, not_asked = (
        build_education_view(ViewContext(each, OPERATOR, "zh"), area=nowhere, activities=[])
        for each in (results, other)
    )
    assert (hidden.groups is not None, hidden.sentences[0][:4]) == (True, "样本不足")
    assert (not_asked.groups, not_asked.channels) == (None, None)
    assert not_asked.sentences[0] == "这一批次没有问到"


def test_every_measure_of_a_module_is_listed_by_city(results: WaveResults) -> None:
    context = ViewContext(results, OPERATOR, "zh")
    measures = list_module_measures(context, topic="green")
    assert measures["green_bought"] == "过去3个月买过绿色商品"
    table = build_module_cities(context, measure="green_bought")
    assert len(table.codes) + len(table.unnamed) == 100
    assert not table.is_signed
    assert "n = " in table.subtitle


def test_losses_stand_in_the_report_of_the_nation(results: WaveResults) -> None:
    context = ViewContext(results, OPERATOR, "zh")
    made = build_report(ReportScope(ReportKind.NATION, "CN", context, [], read_rules()))
    rows = {row[0]: row for table in made.tables() for row in table.rows}
    lost = rows["遇到纠纷者损失了钱"]
    shown = module(results)
    assert lost[1] in shown.sentences[0]
