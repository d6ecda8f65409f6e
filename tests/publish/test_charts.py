"""Every picture is a valid specification that draws its interval and is told apart by shape too."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import altair as alt
import pytest

from survey.publish.charts import ELDER, ORDINARY, ChartKind, ChartLabels, chart_spec
from survey.publish.charts.interval_charts import PICK
from survey.publish.charts.style import ACCENT, GREY, OKABE_ITO, SHAPES
from survey.publish.png import png, printable
from survey.publish.views.chart_panels import ChartPanel
from survey.settings import PROJECT_ROOT

SERIES = {
    ChartKind.DUMBBELL: ("Here", "Nation"),
    ChartKind.TREND: ("Own", "Published"),
    ChartKind.GROUPED: ("A", "B", "C"),
    ChartKind.MAP: ("Above", "Below", "Not told apart"),
    ChartKind.RANKING: ("Place, city", "Possible places"),
    ChartKind.FUNNEL: ("Rise", "Fall", "No change"),
    ChartKind.MATRIX: ("First", "Others", "Score", "Keep", "Improve", "Fine", "Later"),
}
WITHOUT_INTERVAL_MARK = {ChartKind.MAP, ChartKind.FUNNEL, ChartKind.HALF_WIDTHS}
"""A map has no room for intervals: its shapes say what they say. The marks of a plan are the widths
of intervals, and so is the horizontal position in a funnel."""

INTERVALS = {
    ChartKind.MATRIX: {"importance_low", "importance_high", "performance_low", "performance_high"}
}
"""Columns of the bounds where there is more than one interval a mark."""


def words(kind: ChartKind) -> ChartLabels:
    return ChartLabels(
        value="Score (0–100)", name="Row", interval="Interval", n="n", series=SERIES.get(kind, ())
    )


def layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from spec["layer"]


def encoded_fields(spec: dict[str, Any]) -> set[str]:
    return {
        channel["field"]
        for layer in layers(spec)
        for channel in layer.get("encoding", {}).values()
        if isinstance(channel, dict) and "field" in channel
    }


def marks(spec: dict[str, Any]) -> set[str]:
    return {layer["mark"]["type"] for layer in layers(spec)}


@pytest.mark.parametrize("kind", ChartKind)
def test_is_a_valid_specification_without_data(kind: ChartKind) -> None:
    spec = chart_spec(kind, words(kind), ORDINARY)
    alt.LayerChart.from_dict(spec, validate=True)
    assert "data" not in spec
    assert "datasets" not in spec
    assert '"empty"' not in json.dumps(spec)


@pytest.mark.parametrize("kind", ChartKind)
def test_draws_the_interval_of_every_estimate(kind: ChartKind) -> None:
    spec = chart_spec(kind, words(kind), ORDINARY)
    tooltips = [
        tip["field"]
        for layer in layers(spec)
        for tip in layer.get("encoding", {}).get("tooltip", [])
    ]
    assert "range" in tooltips
    if kind not in WITHOUT_INTERVAL_MARK:
        assert INTERVALS.get(kind, {"ci_low", "ci_high"}) <= encoded_fields(spec)
        assert "rule" in marks(spec)


@pytest.mark.parametrize("kind", ChartKind)
def test_colour_never_stands_alone(kind: ChartKind) -> None:
    spec = chart_spec(kind, words(kind), ORDINARY)
    points = [layer for layer in layers(spec) if layer["mark"]["type"] == "point"]
    assert points
    assert all("shape" in layer["encoding"] for layer in points)


@pytest.mark.parametrize("kind", ChartKind)
def test_texts_grow_in_elder_mode(kind: ChartKind) -> None:
    ordinary, elder = (chart_spec(kind, words(kind), style) for style in (ORDINARY, ELDER))
    for block in ("axis", "legend"):
        assert elder["config"][block]["labelFontSize"] > ordinary["config"][block]["labelFontSize"]
    assert elder["config"]["axis"]["labelFontSize"] >= 16


@pytest.mark.parametrize("kind", ChartKind)
def test_the_value_axis_names_its_unit(kind: ChartKind) -> None:
    if kind is ChartKind.MAP:
        pytest.skip("a map has no axis")
    titles = [
        channel.get("title")
        for layer in layers(chart_spec(kind, words(kind), ORDINARY))
        for name, channel in layer["encoding"].items()
        if name in {"x", "y"} and isinstance(channel, dict)
    ]
    assert "Score (0–100)" in titles


def test_a_specification_is_built_once() -> None:
    text = words(ChartKind.GAPS)
    assert chart_spec(ChartKind.GAPS, text, ORDINARY) is chart_spec(ChartKind.GAPS, text, ORDINARY)


def test_only_charts_of_cities_can_be_clicked() -> None:
    clickable = {
        kind
        for kind in ChartKind
        if f'"{PICK}"' in json.dumps(chart_spec(kind, words(kind), ORDINARY))
    }
    assert clickable == {ChartKind.RANKING, ChartKind.MAP, ChartKind.PEERS, ChartKind.FUNNEL}


def test_the_ranking_shades_the_focus_and_what_cannot_be_told_apart_from_it() -> None:
    spec = chart_spec(ChartKind.RANKING, words(ChartKind.RANKING), ORDINARY)
    shade = next(layer for layer in layers(spec) if layer["mark"]["type"] == "rect")
    kept = json.dumps(shade["transform"])
    assert all(role in kept for role in ("focus", "tied"))
    assert not any(role in kept for role in ("above", "below", "unranked", "hidden"))
    titles = {
        layer["encoding"]["y"]["axis"]["title"]
        for layer in layers(spec)
        if layer["encoding"].get("y", {}).get("axis")
    }
    assert titles == {"Place, city", "Possible places"}


def test_there_is_a_shape_for_every_colour() -> None:
    assert len(SHAPES) >= len(OKABE_ITO)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colour: str, other: str) -> float:
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", [ACCENT, GREY])
def test_marks_stand_out_on_both_pages(theme: str, colour: str) -> None:
    config = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text())
    assert contrast(colour, config["theme"][theme]["backgroundColor"]) >= 3


@pytest.fixture
def picture() -> ChartPanel:
    rows = {
        "code": ["110000", "310000", ""],
        "label": ["Beijing", "Shanghai", "Nation"],
        "estimate": [80.0, None, 79.0],
        "ci_low": [79.0, None, None],
        "ci_high": [81.0, None, None],
        "n": [600.0, None, None],
        "range": ["79.0–81.0", "", ""],
        "role": ["focus", "hidden", "reference"],
        "note": ["", "Not shown: too few interviews, or to protect personal data", ""],
    }
    return ChartPanel(
        key="cities",
        kind=ChartKind.INTERVALS,
        title="Two cities",
        subtitle="Wave 2024 · Score (0–100) · n = 600 · lines: 95% intervals",
        alt="Two cities",
        text=words(ChartKind.INTERVALS),
        chart_rows=rows,
        table_columns=rows,
    )


def test_the_exported_picture_carries_title_wave_unit_n_and_watermark(picture: ChartPanel) -> None:
    spec = printable(picture, ("DEMO DATA",))
    assert spec["title"]["text"] == ["Two cities"]
    assert spec["title"]["subtitle"] == [picture.subtitle, "DEMO DATA"]
    assert spec["background"] == "white"
    assert [row["role"] for row in spec["data"]["values"]] == ["focus", "reference"]
    alt.LayerChart.from_dict(spec, validate=True)


def test_the_exported_picture_is_a_png(picture: ChartPanel) -> None:
    image = png(picture, ("DEMO DATA",), scale=1)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(image) > 5_000
