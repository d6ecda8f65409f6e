"""A file with figures says in its name what it holds, of which wave, from which day."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from survey.locale import translator
from survey.ui import download_button
from survey.ui.download_button import name_file


@pytest.mark.parametrize(
    ("is_demo", "expected"),
    [
        (False, "cities-main-2026-2026-11-27.csv"),
        (True, "cities-main-2026-2026-11-27-演示数据.csv"),
    ],
)
def test_the_name_has_wave_china_s_date_and_the_mark(
    is_demo: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    monkeypatch.setattr(download_button, "now", lambda: evening)
    page: Any = SimpleNamespace(t=translator("zh"))
    wave: Any = SimpleNamespace(key="main-2026", is_demo=is_demo)
    assert name_file(page, "cities", "csv", wave) == expected
