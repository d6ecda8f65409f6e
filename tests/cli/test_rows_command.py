"""`survey rows …`: ask for an exact file, decide, take it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import Result

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.files.microdata.exact_requests import (
    decide_exact_rows,
    list_exact_requests,
    request_exact_rows,
)
from survey.results.freeze import freeze_frame
from survey.settings import Settings, current_settings
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import session_scope
from survey.store.tables import Account, Decision, now
from tests.small_waves import KEY as WAVE
from tests.small_waves import SmallWave, person, small_instrument, small_wave
from tests.work_of import work_of

Survey = Callable[..., Result]
PURPOSE = "Weights for a simulation of the design"
REASON = "Agreed with the board"


@pytest.fixture
def people(survey: Survey) -> dict[str, Principal]:
    settings = current_settings()
    small_wave(settings.data_dir)
    rows = [person(number, "110000", psu=f"p{number % 4}") for number in range(120)]
    accounts = {
        "lin": Account(login="lin", name="Lin", role=Role.ANALYST, area="CN"),
        "wang": Account(login="wang", name="Wang", role=Role.NATIONAL_OFFICIAL, area="CN"),
        "gone": Account(login="gone", name="Gone", role=Role.ANALYST, area="CN", active=False),
    }
    with session_scope(settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=settings),
            wave=SmallWave(settings).read(session),
            frame=build_response_frame(rows, small_instrument(few_groups=True)),
            options=FreezeOptions(final=True),
        )
        session.add_all(accounts.values())
    return {
        login: Principal(account.id, account.name, Role(account.role), account.area)
        for login, account in accounts.items()
    }


def states(survey: Survey) -> list[str]:
    return [
        request["state"]
        for request in json.loads(survey("rows", "requests", "--format", "json").stdout)
    ]


def test_asked_for_here_decided_on_the_page_and_taken_here_once(
    survey: Survey, people: dict[str, Principal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = survey("rows", "request", "--account", "lin", "--wave", WAVE, "--purpose", PURPOSE)
    assert asked.exit_code == 0, asked.output
    number = asked.stdout.strip()
    here = survey("rows", "approve", number, "--reason", REASON)
    assert (here.exit_code, "command line" in here.output) == (1, True)
    file = tmp_path / "exact.csv"
    early = survey("rows", "export", number, "--account", "lin", "--output", str(file))
    assert (early.exit_code, "Nobody has approved" in early.output) == (1, True)
    assert not file.exists()
    assert states(survey) == ["waiting"]
    settings: Settings = current_settings()
    with session_scope(settings.store_url) as session:
        (request,) = list_exact_requests(work_of(session, OPERATOR, now()))
        decide_exact_rows(
            work_of(session, people["wang"], now()),
            request_id=request.id,
            decision=Decision.APPROVED,
            reason=REASON,
        )
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", Mock(side_effect=OSError(28, "No space left on device")))
        full = survey("rows", "export", number, "--account", "lin", "--output", str(file))
        assert (full.exit_code, "space" in full.output) == (2, True), full.output
    assert (states(survey), file.exists()) == (["approved"], False)
    made = survey("rows", "export", number, "--account", "lin", "--output", str(file))
    assert made.exit_code == 0, made.output
    assert "EXACT FILE" in file.read_text(encoding="utf-8-sig")
    assert file.stat().st_mode & 0o777 == 0o600
    again = survey(
        "rows", "export", number, "--account", "lin", "--output", str(tmp_path / "2.csv")
    )
    assert (again.exit_code, "taken already" in again.output) == (1, True)
    assert states(survey) == ["taken"]


@pytest.mark.parametrize(("decision", "state"), [("approve", "approved"), ("refuse", "refused")])
def test_what_was_asked_for_on_the_page_is_decided_here(
    survey: Survey, people: dict[str, Principal], decision: str, state: str
) -> None:
    with session_scope(current_settings().store_url) as session:
        number = request_exact_rows(
            work_of(session, people["lin"], now()), wave_key=WAVE, purpose=PURPOSE
        )
    short = survey("rows", decision, str(number), "--reason", "ok")
    assert (short.exit_code, "reason" in short.output) == (1, True)
    assert survey("rows", decision, str(number), "--reason", REASON).exit_code == 0
    assert states(survey) == [state]


@pytest.mark.parametrize("login", ["wang", "gone", "nobody"])
def test_for_nobody_but_an_analyst(
    survey: Survey, people: dict[str, Principal], login: str
) -> None:
    asked = survey("rows", "request", "--account", login, "--wave", WAVE, "--purpose", PURPOSE)
    assert asked.exit_code == 1
    assert states(survey) == []


def test_a_file_that_is_there_stays(
    survey: Survey, people: dict[str, Principal], tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("mine")
    number = "00000000-0000-0000-0000-000000000001"
    result = survey("rows", "export", number, "--account", "lin", "--output", str(file))
    assert result.exit_code == 2
    assert file.read_text() == "mine"
