"""What the planner reads about a plan: the answer, the warnings, the picture's rows."""

import numpy as np
import pandas as pd
import pytest

from survey.figures.charts import ChartKind
from survey.figures.charts.marks import REFERENCE
from survey.figures.views.plan import PlanView, build_plan_view, nation_half_width
from survey.frame.city_frame import shipped_cities
from survey.frame.quotas import plan_margins
from survey.frame.sample_size import PrecisionTarget
from survey.frame.sampling_plan import PlanRequest, build_sampling_plan

CITIES = shipped_cities()[:6]
REQUEST = PlanRequest(aim=PrecisionTarget(total=3_600, price=50.0))


def _view(request: PlanRequest, language: str = "en") -> PlanView:
    return build_plan_view(build_sampling_plan(CITIES, "main", request), CITIES, "main", language)


def test_the_nation_is_sharper_than_any_city_as_variances_add() -> None:
    planned = build_sampling_plan(CITIES, "main", REQUEST)
    half = planned.sample.cities["half_width"]
    people = plan_margins(CITIES, "main", {}).city_totals()[half.index]
    share = (people / people.sum()).to_numpy()
    expected = np.sqrt((share**2 * half.to_numpy() ** 2).sum())
    nation = nation_half_width(planned, CITIES, "main")
    assert nation == pytest.approx(expected)
    assert nation < half.min()


def test_the_answer_names_size_precision_and_cost() -> None:
    view = _view(REQUEST)
    assert view.total == 3_600
    assert "6 cities" in view.sentence
    assert "180,000 yuan" in view.sentence
    assert view.remarks == (
        "Fewest interviews of a city for ±5 points: 538.",
        "The target stays 3,600 interviews. Quotas hold a reserve of 10% beyond it for what review "
        "takes away.",
    )


def test_oversampling_is_said_to_cost_the_cities_and_to_rest_on_an_assumption() -> None:
    view = _view(PlanRequest(aim=PrecisionTarget(total=3_300), elderly=3.0, guardian=2.0))
    assert any("stay above ±5 points" in remark for remark in view.remarks)
    assert any("assumption by age" in remark for remark in view.remarks)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_picture_has_a_mark_for_each_city_and_group_and_the_margin(language: str) -> None:
    picture = _view(REQUEST, language).precision_chart
    assert picture.kind is ChartKind.HALF_WIDTHS
    data = picture.data
    marks = data[data["role"] != REFERENCE]
    assert len(marks) == 4 * len(CITIES)
    assert set(marks["series"]) == set(picture.text.series)
    assert data.loc[data["role"] == REFERENCE, "estimate"].tolist() == [5.0]
    assert len(picture.table) == len(CITIES)


@pytest.mark.parametrize(("language", "words"), [("zh", "份数太少"), ("en", "too few interviews")])
def test_what_too_few_would_answer_has_no_half_width(language: str, words: str) -> None:
    small = PlanRequest(aim=PrecisionTarget(margin=45.0, total=60))
    view = _view(small, language)
    picture = view.precision_chart
    marks = picture.data[picture.data["role"] != REFERENCE]
    assert marks["estimate"].max() <= 50
    left_out = 4 * len(CITIES) - len(marks)
    assert left_out > 0
    assert words in picture.note
    assert str(left_out) in picture.note
    assert picture.table.isna().to_numpy().sum() == left_out
    assert sum(group.too_few for group in view.groups) == left_out
    assert words not in _view(REQUEST, language).precision_chart.note
    one_each = PlanRequest(aim=small.aim, size=pd.Series(1, index=[city.code for city in CITIES]))
    assert words in _view(one_each, language).sentence


def test_targets_over_all_cities_add_up() -> None:
    view = _view(PlanRequest(aim=PrecisionTarget(total=3_600), crossed=False, reserve=0.0))
    totals = view.cells.groupby("Quota of")["Target"].sum().to_dict()
    assert totals == dict.fromkeys(("Age × gender", "Urban or rural point", "Age", "Gender"), 3_600)
