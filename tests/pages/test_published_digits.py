"""Every results page, everything that reaches the browser or is taken away: one decimal.

Texts, tables and chart data of all elements, whatever their kind, and every CSV. Left out is only
what is no result of this survey: where the cities lie, and figures that others published.
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from survey.access.roles import ROLES, Action, Role
from survey.figures.published_figures import published_results
from survey.kit import download_button
from survey.kit.navigation import PAGES, PageInfo, PageKey
from survey.settings import Settings

LONG = re.compile(r"(?<![\d.\w])[-+\u2212]?\d+\.\d{2,}(?![\d.\w])")
PLACES = {"lon", "lat"}
RESULTS = [page for page in PAGES if page.action is Action.READ_RESULTS]
WITHOUT_FIGURES = {
    PageKey.RELEASES, PageKey.COMPARATIVE_TESTS, PageKey.COMPLAINTS, PageKey.EDUCATION,
    PageKey.EXPERIENCE_CHECKS,
}  # fmt: skip
"""Pages that show nothing in a store of frozen waves alone; the files of releases are tested in
`release`."""
ASKED: dict[str, str] = {"city": "320500", "place": "320500", "lang": "en", "detail": "yes"}
PUBLISHED = {result.score for result in published_results()} | {2.10}
"""And the code of an indicator that looks like a number."""
STYLE = re.compile(r"<style.*|style=\"[^\"]*\"", re.DOTALL)
"""How a page looks is no data either."""


def messages(app: AppTest) -> Iterator[tuple[str, Any]]:
    """Name and value of every field of every element; the look of a chart is no data."""
    for node in app._tree:
        yield from fields(getattr(node, "proto", None))


def fields(message: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(message, Message):
        for descriptor, value in message.ListFields():
            if descriptor.name != "spec":
                yield from fields(value, descriptor.name)
    elif isinstance(message, str | bytes | float):
        yield name, message
    elif hasattr(message, "__iter__"):
        for value in message.values() if hasattr(message, "values") else message:
            yield from fields(value, name)


def long_numbers(app: AppTest, files: list[bytes]) -> tuple[list[str], int]:
    """What has more decimals than are published, and how many numbers were looked at."""
    too_long: list[str] = []
    looked = 0
    for name, value in messages(app):
        if isinstance(value, bytes):
            strange, count = in_table(value)
            too_long, looked = too_long + strange, looked + count
        elif isinstance(value, str):
            too_long += [f"{name}: {number}" for number in in_text(value)]
    for content in files:
        text = content.decode("utf-8", "replace")
        too_long, looked = too_long + in_text(text), looked + len(text)
    return too_long, looked


def in_text(text: str) -> list[str]:
    numbers = LONG.findall(STYLE.sub("", text))
    return [
        number for number in numbers if abs(float(number.replace("\u2212", "-"))) not in PUBLISHED
    ]


def in_table(data: bytes) -> tuple[list[str], int]:
    try:
        table = pa.ipc.open_stream(data).read_all()
    except pa.ArrowInvalid:
        return [], 0
    too_long, looked = [], 0
    for name in table.column_names:
        values = [value for value in table[name].to_pylist() if value is not None]
        numbers = np.array([value for value in values if isinstance(value, float)], dtype=float)
        numbers = numbers[~np.isnan(numbers)]
        looked += len(numbers)
        if name not in PLACES:
            strange = numbers[numbers != np.round(numbers, 1)]
            too_long += [f"{name}: {number}" for number in strange if number not in PUBLISHED]
        too_long += [
            f"{name}: {number}"
            for text in values
            if isinstance(text, str)
            for number in in_text(text)
        ]
    return too_long, looked


@pytest.fixture
def taken_away(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every CSV that a page offers."""
    files: list[bytes] = []
    original = download_button._draw_button

    def watched(visit: Any, label: str, file: download_button.File, **more: Any) -> None:
        if file.media_type == download_button.CSV:
            files.append(file.make())
        original(visit, label, file, **more)

    monkeypatch.setattr(download_button, "_draw_button", watched)
    return files


@pytest.mark.parametrize("page", RESULTS, ids=[page.key.value for page in RESULTS])
def test_no_number_on_a_results_page_is_longer_than_what_is_published(
    page: PageInfo,
    frozen_waves: Settings,
    use_store: Callable[[Settings], None],
    open_page: Callable[..., AppTest],
    with_data: Callable[[AppTest], AppTest],
    taken_away: list[bytes],
) -> None:
    assert Action.READ_RESULTS in ROLES[Role.NATIONAL_OFFICIAL].actions
    use_store(frozen_waves)
    app = with_data(open_page(page.key, Role.NATIONAL_OFFICIAL, **ASKED))
    assert not app.exception
    too_long, looked = long_numbers(app, taken_away)
    assert too_long == []
    assert taken_away or page.key in WITHOUT_FIGURES
    assert looked > 20 or page.key in WITHOUT_FIGURES


def test_a_longer_number_would_be_seen() -> None:
    table = pa.table({"estimate": [80.123, None], "label": ["a", "b 0.25"], "lon": [1.2345, 2.0]})
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as stream:
        stream.write_table(table)
    assert in_table(buffer.getvalue()) == (["estimate: 80.123", "label: 0.25"], 3)
    assert in_text("80.1 to 80.25, version 1.2.3") == ["80.25"]
