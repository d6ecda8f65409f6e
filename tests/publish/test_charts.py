"""Every picture is a valid specification that draws its interval and is told apart by shape too."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pytest
from lxml import etree
from PIL import Image

from survey.figures.chart_drawings import measure_drawing, set_drawing
from survey.figures.chart_files import (
    PRINT_WIDTH,
    SVG,
    ChartFormat,
    ChartImprint,
    chart_file,
    specify_print,
)
from survey.figures.charts import COUNT_KINDS, ELDER, ORDINARY, ChartKind, ChartLabels, chart_spec
from survey.figures.charts.interval_charts import OWN, PICK, PUBLISHED
from survey.figures.charts.marks import ACCENT, GREY, OKABE_ITO, SHAPES, SIGNED
from survey.figures.views.chart_panels import ChartPanel
from survey.settings import PROJECT_ROOT

SERIES = {
    ChartKind.DUMBBELL: ("Here", "Nation"),
    ChartKind.TREND: ("Own", "Published"),
    ChartKind.GROUPED: ("A", "B", "C"),
    ChartKind.MAP: ("Above", "Below", "Not told apart"),
    ChartKind.RANKING: ("Place, city", "Possible places"),
    ChartKind.FUNNEL: ("Rise", "Fall", "No change"),
    ChartKind.DAYS: ("Before", "During", "After"),
    ChartKind.MONTHS: ("Here", "There"),
    ChartKind.SHARES: ("This year", "The year before"),
    ChartKind.SCATTER: ("This city", "Others", "Complaints"),
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


@pytest.mark.parametrize("kind", [kind for kind in ChartKind if kind not in COUNT_KINDS])
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


def test_both_series_of_a_trend_show_their_intervals() -> None:
    """Both levels of a bridge are estimates; published scores have no interval to show."""
    spec = chart_spec(ChartKind.TREND, words(ChartKind.TREND), ORDINARY)
    filters = {
        step["filter"]
        for layer in layers(spec)
        if layer["mark"]["type"] == "rule"
        for step in layer["transform"]
        if "filter" in step
    }
    assert {text.split("'")[1] for text in filters} == {OWN, PUBLISHED}


def test_a_row_is_as_high_as_the_lines_of_its_title() -> None:
    """A question of one's own with its answer takes up to ten lines; titles ran into each other."""
    usual = words(ChartKind.GROUPED)
    heights = {
        lines: chart_spec(ChartKind.GROUPED, replace(usual, label_lines=lines), ORDINARY)["height"][
            "step"
        ]
        for lines in (1, 3, 5, 10)
    }
    assert heights[1] == heights[3]
    assert all(heights[lines] >= 14 * lines for lines in heights)


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


@pytest.mark.parametrize("kind", [ChartKind.GAPS, ChartKind.FUNNEL])
def test_the_tooltip_of_a_difference_says_it_in_words(kind: ChartKind) -> None:
    """A number format signs what rounds to zero: “+0.0” is neither more nor less."""
    spec = json.dumps(chart_spec(kind, words(kind), ORDINARY))
    assert '"+.1f"' not in spec
    assert f'"{SIGNED}"' in spec


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


LINK = "{http://www.w3.org/1999/xlink}href"
IMPRINT = ChartImprint("演示数据", ("区间只反映抽样误差。" * 8, "来源：协会，2024年批次"))


@pytest.fixture
def chinese_picture(picture: ChartPanel) -> ChartPanel:
    rows = {**picture.chart_rows, "label": ["北京", "上海", "全国"]}
    return replace(
        picture,
        title="两个城市",
        subtitle="2024年批次 · 得分（0–100） · n = 600 · 线段：95% 区间",
        alt="两个城市。",
        chart_rows=rows,
    )


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
    spec = specify_print(picture, "DEMO DATA")
    assert spec["title"]["text"] == ["Two cities"]
    assert spec["title"]["subtitle"] == [picture.subtitle, "DEMO DATA"]
    assert spec["background"] == "white"
    assert [row["role"] for row in spec["data"]["values"]] == ["focus", "reference"]
    alt.LayerChart.from_dict(spec, validate=True)


def test_the_exported_picture_is_16_cm_wide_at_300_dots_per_inch(picture: ChartPanel) -> None:
    content = chart_file(picture, ChartFormat.PNG, IMPRINT)
    image = Image.open(BytesIO(content))
    assert image.width / 300 * 2.54 == pytest.approx(16, abs=0.05)
    assert image.info["dpi"] == pytest.approx((300, 300), abs=1)
    assert content == chart_file(picture, ChartFormat.PNG, IMPRINT)


@pytest.mark.parametrize("kind", ChartKind)
def test_every_kind_keeps_the_print_width(kind: ChartKind, chinese_picture: ChartPanel) -> None:
    panel = replace(chinese_picture, kind=kind, text=words(kind))
    drawing = etree.fromstring(chart_file(panel, ChartFormat.SVG, IMPRINT))
    assert float(drawing.get("width", "0")) == PRINT_WIDTH


def test_an_svg_needs_no_typeface_and_fetches_nothing(chinese_picture: ChartPanel) -> None:
    content = chart_file(chinese_picture, ChartFormat.SVG, IMPRINT)
    drawing = etree.fromstring(content)
    assert not list(drawing.iter(f"{SVG}text")), "every letter is an outline"
    assert b"font" not in content
    links = {use.get(LINK, "") for use in drawing.iter(f"{SVG}use")}
    shapes = {f"#{path.get('id')}" for path in drawing.iter(f"{SVG}path") if path.get("id")}
    assert len(links) > 40
    assert links == shapes
    assert re.findall(rb"https?://[^\"]+", content) == [
        b"http://www.w3.org/2000/svg",
        b"http://www.w3.org/1999/xlink",
    ]
    assert drawing.findtext(f"{SVG}title") == "两个城市"
    assert drawing.findtext(f"{SVG}desc") == chinese_picture.alt


def test_outlines_lie_where_the_text_lies(chinese_picture: ChartPanel) -> None:
    """The same picture, drawn once from outlines and once from text with the typeface."""
    outlined = set_drawing(
        measure_drawing(chart_file(chinese_picture, ChartFormat.SVG, IMPRINT).decode()), "png"
    )
    as_text = chart_file(chinese_picture, ChartFormat.PNG, IMPRINT)
    one, other = (Image.open(BytesIO(each)).convert("L") for each in (outlined, as_text))
    assert one.size == other.size
    # Kerning of Latin pairs moves a letter by a hair; a lost text would be all of its ink.
    small = [
        np.asarray(each.resize((each.width // 12, each.height // 12)), dtype=float)
        for each in (one, other)
    ]
    assert abs(small[0] - small[1]).mean() < 1.0
    assert (255 - small[0]).sum() == pytest.approx((255 - small[1]).sum(), rel=0.03)


def test_a_pdf_embeds_its_typeface_and_its_text_can_be_searched(
    chinese_picture: ChartPanel, tmp_path: Path
) -> None:
    file = tmp_path / "chart.pdf"
    file.write_bytes(chart_file(chinese_picture, ChartFormat.PDF, IMPRINT))
    assert b"/FontFile3" in file.read_bytes()
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed: what the PDF says was NOT read")
    written = subprocess.run(
        ["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "北京" in written
    assert "上海" not in written, "a hidden row is left out"
    for line in ("两个城市", "演示数据", "n = 600", "95% 区间", "来源：协会"):
        assert line in written
    fonts = subprocess.run(["pdffonts", file], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in fonts.splitlines()[2:]]
    assert rows
    assert all("NotoSansSC-Regular" in row[0] for row in rows)
    assert {row[-5] for row in rows} == {"yes"}, "embedded"


def test_a_text_never_becomes_markup(picture: ChartPanel) -> None:
    odd = replace(picture, title='<script>alert("1")</script> & 城市', alt="<b>")
    drawing = etree.fromstring(chart_file(odd, ChartFormat.SVG, ChartImprint(notes=("a & <b>",))))
    assert not list(drawing.iter(f"{SVG}script"))
    assert drawing.findtext(f"{SVG}title") == odd.title
