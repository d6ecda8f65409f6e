"""`survey report …`: files by their ending, an entry each, refusals in words."""

import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlmodel import select

from survey.settings import Settings, current_settings
from survey.store.engine import read_scope
from survey.store.tables import AuditEntry

Survey = Callable[..., Result]
WAVE = ("--wave", "main-2024")


@pytest.fixture
def store(survey: Survey, synthetic_waves: Settings) -> Settings:
    shutil.copytree(synthetic_waves.data_dir, current_settings().data_dir)
    return current_settings()


def made_reports(store: Settings) -> list[AuditEntry]:
    query = select(AuditEntry).where(AuditEntry.action == "export.report")
    with read_scope(store.store_url) as session:
        return list(session.exec(query))


@pytest.mark.parametrize(("ending", "start"), [("docx", b"PK"), ("pdf", b"%PDF"), ("pptx", b"PK")])
def test_a_city_report_by_its_ending(
    survey: Survey, store: Settings, tmp_path: Path, ending: str, start: bytes
) -> None:
    out = tmp_path / f"suzhou.{ending}"
    result = survey("report", "city", "320500", *WAVE, "--out", str(out), "--language", "en")
    assert result.exit_code == 0, result.output
    assert out.read_bytes().startswith(start)
    (entry,) = made_reports(store)
    assert '"area":"320500"' in str(entry.detail).replace(" ", "").replace("'", '"')


@pytest.mark.slow
def test_province_and_nation(survey: Survey, store: Settings, tmp_path: Path) -> None:
    for arguments in (("province", "32"), ("province", "320000"), ("nation",), ("method",)):
        out = tmp_path / f"{'-'.join(arguments)}.pdf"
        assert survey("report", *arguments, *WAVE, "--out", str(out)).exit_code == 0
        assert out.read_bytes().startswith(b"%PDF")


def test_an_unknown_city_is_said(survey: Survey, store: Settings, tmp_path: Path) -> None:
    out = tmp_path / "x.docx"
    result = survey("report", "city", "999999", *WAVE, "--out", str(out))
    assert result.exit_code == 1
    assert "999999" in result.output
    assert not out.exists()
    assert made_reports(store) == []


def test_another_ending_is_wrong_usage(survey: Survey, store: Settings, tmp_path: Path) -> None:
    result = survey("report", "nation", *WAVE, "--out", str(tmp_path / "x.odt"))
    assert result.exit_code == 2


def test_check_template(survey: Survey, tmp_path: Path) -> None:
    from survey.reports.docx_file import SHIPPED_TEMPLATE

    assert survey("report", "check-template", str(SHIPPED_TEMPLATE)).exit_code == 0
    other = tmp_path / "other.docx"
    other.write_bytes(b"none")
    result = survey("report", "check-template", str(other))
    assert result.exit_code == 1
    assert "other.docx" in result.output


@pytest.mark.slow
def test_all_cities_in_one_archive(
    survey: Survey, store: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three cities here: a hundred are measured by the benchmark."""
    from survey.cli import report
    from survey.reports import report_batch

    whole = report_batch.list_report_cities
    monkeypatch.setattr(
        report_batch, "list_report_cities", lambda *given: dict(list(whole(*given).items())[:3])
    )
    make_archive = report_batch.make_archive

    def make_slowly(*given: Any, tick: Callable[[int, int], None], **named: Any) -> Any:
        for done in (0, 10, 10, 10, 14, 20, 20):
            tick(done, 97_531)
        return make_archive(*given, tick=tick, **named)

    monkeypatch.setattr(report, "make_archive", make_slowly)
    out = tmp_path / "all.zip"
    result = survey("report", "all", *WAVE, "--out", str(out), "--format", "pdf")
    assert result.exit_code == 0, result.output
    assert result.output.count("97531") == 2, "a line for every ten, not for every look"
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        assert len(archive.namelist()) == 4
        assert archive.namelist()[-1] == "main-2024-method-CN-zh.pdf"
        assert archive.testzip() is None
    assert len(made_reports(store)) == 4
