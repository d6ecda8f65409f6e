"""The recorder of what tests see notices what changed, and tells it from noise."""

import json
from pathlib import Path

import pytest

from survey.settings import PROJECT_ROOT
from tools.golden import compare

pytest_plugins = ("pytester",)


def write_record(folder: Path, lines: list[tuple[str, str, str]]) -> Path:
    folder.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "1.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_what_changed_is_named_and_noise_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [("t1", "audit", "x"), ("t2", "page", "a"), ("t3", "page", "clock 1")]
    again = [("t1", "audit", "x"), ("t2", "page", "a"), ("t3", "page", "clock 2")]
    after = [("t1", "audit", "y"), ("t2", "page", "a"), ("t3", "page", "clock 3")]
    records = [
        write_record(tmp_path / name, lines)
        for name, lines in (("before", before), ("after", after), ("again", again))
    ]
    assert compare(records[0], records[1], records[2]) == 1
    written = capsys.readouterr().out
    assert "- 1 × audit: x" in written
    assert "+ 1 × audit: y" in written
    assert "2 tests compared, 1 see something else" in written
    assert compare(records[0], records[0], None) == 0


def test_errors_entries_and_parts_of_files_are_recorded(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_ROOT))
    pytester.makepyfile(
        """
        from datetime import UTC, datetime
        from io import BytesIO
        from uuid import uuid4
        from zipfile import ZipFile

        from survey.locale import SurveyError, msg
        from survey.store.audit_chain import ChainEntry

        def test_one():
            ChainEntry(uuid4(), datetime.now(UTC), None, "plan.changed", "plan", "1", b'{"a": 1}')
            SurveyError(msg("Nothing at {place}.", place=str(uuid4())))
            with ZipFile(BytesIO(), "w") as file:
                file.writestr("part.xml", f"<a id='{uuid4()}'/>")
        """
    )
    for name in ("before", "after"):
        done = pytester.runpytest_subprocess("-p", "tools.golden", "--golden", tmp_path / name)
        done.assert_outcomes(passed=1)
    written = next((tmp_path / "before").glob("*.jsonl")).read_text(encoding="utf-8")
    kinds = [json.loads(line)[1] for line in written.splitlines()]
    assert kinds == ["audit", "error", "part"]
    assert compare(tmp_path / "before", tmp_path / "after", None) == 0
