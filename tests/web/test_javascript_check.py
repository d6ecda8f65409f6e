"""The type check of the JavaScript names the file, and says so when it did not take place."""

from pathlib import Path

import pytest

from tools import check_javascript
from tools.check_javascript import COMPILER, check, page_bundles, worker_bundle


def test_a_line_of_a_bundle_is_found_in_its_file() -> None:
    for bundle in (*page_bundles(), worker_bundle()):
        for start, file in bundle.starts:
            lines = file.read_text("utf-8").splitlines()
            for number in (1, len(lines)):
                assert bundle.lines[start + number - 1] == lines[number - 1]
                place = f"{file.relative_to(check_javascript.ROOT)}:{number}"
                assert bundle.locate(start + number) == place


def test_without_a_compiler_it_says_so_and_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(check_javascript, "COMPILER", tmp_path / "tsc")
    assert check_javascript.main() == 0
    assert "WAS NOT TYPE-CHECKED" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not COMPILER.exists(), reason="the TypeScript compiler is not installed")
@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("SurveyOutbox.sendAll();", "'sendAll' does not exist"),
        ("[1].flat();", "Do you need to change your target library"),
        ("SurveyElsewhere.run();", "Cannot find name 'SurveyElsewhere'"),
    ],
)
def test_a_fault_is_found(fault: str, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = page_bundles()[0]
    bundle.lines[-1:-1] = [fault]
    (error,) = check([bundle], "es2017,dom,dom.iterable")
    assert complaint in error
    assert error.startswith("src/survey/web/static/contact.js:")


@pytest.mark.slow
def test_nothing_is_found_in_ours() -> None:
    assert check_javascript.main() == 0
