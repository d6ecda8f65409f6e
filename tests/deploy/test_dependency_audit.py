"""`make audit` says that something was audited only when the advisories were asked about it."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools import check_vulnerabilities

LOCK = """alpha==1.0 \\
    --hash=sha256:0
Beta_two==2.5.1 ; python_version >= "3.11" \\
    --hash=sha256:1
"""
DEV = """gamma==0.3 ; python_full_version < '3.12'
gamma==0.4 ; python_full_version >= '3.12'
"""
FOUND = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": []}


def vulnerability_report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


def asked(name: str, version: str, *vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": version, "vulns": list(vulnerabilities)}


def skipped(name: str) -> dict[str, Any]:
    return {"name": name, "skip_reason": f"Dependency not found: {name}"}


GAMMA = (asked("gamma", "0.3"), asked("gamma", "0.4"))
COMPLETE = vulnerability_report(asked("alpha", "1.0"), asked("beta-two", "2.5.1"), *GAMMA)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project with three locked packages; `says(...)` sets what pip-audit answers."""
    (tmp_path / "requirements.lock").write_text(LOCK)
    (tmp_path / "requirements-dev.lock").write_text(DEV)
    (tmp_path / "requirements-spark.lock").write_text("")
    monkeypatch.setattr(check_vulnerabilities, "ROOT", tmp_path)
    monkeypatch.setattr(check_vulnerabilities, "STAMP", tmp_path / ".audited")
    project = SimpleNamespace(calls=0, output="", code=0, stderr="", asked="")

    def run(command: list[str], **_: Any) -> Any:
        project.calls += 1
        assert "json" in command
        asked_about = Path(command[-1]).read_text()
        assert asked_about.count("gamma") <= 1
        project.asked += asked_about
        return SimpleNamespace(
            stdout=project.output, stderr=project.stderr, returncode=project.code
        )

    monkeypatch.setattr(subprocess, "run", run)
    return project


def test_an_answer_about_every_package_is_asked_for_once_a_day(project: Any) -> None:
    project.output = COMPLETE
    assert check_vulnerabilities.main([]) == check_vulnerabilities.main([]) == 0
    assert project.calls == 2
    assert check_vulnerabilities.main(["--now"]) == 0
    assert project.calls == 4
    assert sorted(set(project.asked.split())) == [
        "alpha==1.0",
        "beta-two==2.5.1",
        "gamma==0.3",
        "gamma==0.4",
    ]


PARTLY = {
    "all were skipped": vulnerability_report(
        skipped("alpha"), skipped("beta-two"), skipped("gamma")
    ),
    "one was skipped": vulnerability_report(asked("alpha", "1.0"), skipped("beta-two"), *GAMMA),
    "one of two versions is missing": vulnerability_report(
        asked("alpha", "1.0"), skipped("beta-two"), asked("gamma", "0.3")
    ),
    "one is missing": vulnerability_report(asked("alpha", "1.0"), *GAMMA),
    "another version": vulnerability_report(asked("alpha", "1.0"), asked("beta-two", "9"), *GAMMA),
    "nothing": vulnerability_report(),
    "no JSON": "No known vulnerabilities found",
    "other JSON": "[]",
}


@pytest.mark.parametrize("output", PARTLY.values(), ids=PARTLY)
def test_what_was_not_asked_about_is_named_and_never_counts_as_audited(
    project: Any, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project.output = output
    assert check_vulnerabilities.main(["--now"]) == 1
    assert "NOT AUDITED" in capsys.readouterr().err
    assert check_vulnerabilities.main([]) == 0
    printed = capsys.readouterr().err
    assert "NOT AUDITED" in printed
    assert "beta-two" in printed
    assert "of 4 locked packages" in printed


def test_an_incomplete_answer_is_repeated_and_soon_asked_for_again(
    project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.output = PARTLY["one was skipped"]
    check_vulnerabilities.main([])
    capsys.readouterr()
    assert check_vulnerabilities.main([]) == 0
    assert "beta-two 2.5.1: Dependency not found: beta-two" in capsys.readouterr().err
    assert project.calls == 2
    monkeypatch.setattr(
        check_vulnerabilities, "RETRY_INTERVAL", -check_vulnerabilities.RETRY_INTERVAL
    )
    project.output = COMPLETE
    assert check_vulnerabilities.main([]) == 0
    assert project.calls == 4
    assert not capsys.readouterr().err


def test_a_vulnerability_fails_every_check_until_it_is_gone(
    project: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    project.output, project.code = (
        vulnerability_report(asked("alpha", "1.0", FOUND), skipped("gamma")),
        1,
    )
    assert check_vulnerabilities.main([]) == check_vulnerabilities.main([]) == 1
    assert project.calls == 4
    printed = capsys.readouterr().err
    assert "alpha 1.0: PYSEC-1, mended in 1.1" in printed
    assert "gamma" in printed


def test_other_files_and_stamps_of_before_need_a_new_answer(project: Any, tmp_path: Path) -> None:
    project.output = COMPLETE
    (tmp_path / ".audited").write_text("2026-11-26 0123")
    check_vulnerabilities.main([])
    (tmp_path / "requirements-dev.lock").write_text(DEV + "# changed\n")
    check_vulnerabilities.main([])
    assert project.calls == 4


def test_no_answer_in_time_is_no_answer(
    project: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def slow(command: list[str], **_: Any) -> Any:
        raise subprocess.TimeoutExpired(command, check_vulnerabilities.TIMEOUT_SECONDS)

    monkeypatch.setattr(subprocess, "run", slow)
    assert check_vulnerabilities.main(["--now"]) == 1
    assert "no answer within" in capsys.readouterr().err
