"""A file with figures says in its name what it holds, of which wave, from which day."""

import ast
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from survey.kit import download_button
from survey.kit.download_button import name_file
from survey.locale import translator
from survey.settings import PROJECT_ROOT


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


def test_a_file_of_no_wave_carries_the_day_and_the_mark_of_the_demonstration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download_button, "now", lambda: datetime(2026, 11, 26, 17, tzinfo=UTC))
    for demo, expected in (
        (False, "audit-2026-11-27.csv"),
        (True, "audit-2026-11-27-演示数据.csv"),
    ):
        page: Any = SimpleNamespace(t=translator("zh"), settings=SimpleNamespace(demo=demo))
        assert name_file(page, "audit", "csv") == expected


def test_no_page_names_a_file_in_a_way_of_its_own() -> None:
    """Templates hold nothing of a day; the other files named elsewhere bear their wave."""
    elsewhere = {
        "bulk_import/target.py", "list_entry.py", "plan/wave_form.py",
        "outside_data.py", "questionnaires/upload.py",  # templates
        "export.py", "report_downloads.py", "releases.py", "evidence_releases.py",
    }  # fmt: skip
    own = {
        path.relative_to(room).as_posix()
        for room in (PROJECT_ROOT / "src" / "survey" / name for name in ("kit", "screens"))
        for path in room.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "File"
        and not ast.unparse(call.args[0]).startswith(("name_file(", "self."))
    }
    assert own == elsewhere
