"""Files of rows that are refused, and those from before: what the trail and the doctor say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError
from survey.files.microdata import rows_in_parts
from survey.files.microdata.exact_requests import list_undoable_exports, settle_undoable_exports
from survey.files.microdata.export import MicrodataFile, export_rows, recording_refusals
from survey.files.microdata.file_formats import FileFormat
from survey.files.microdata.released_rows import RowsCanBeUndoneError
from survey.files.microdata.row_attack import RowCheck
from survey.operations.exposure import check_row_files
from survey.store.engine import read_scope, session_scope
from survey.store.tables import AuditEntry, RowExport
from survey.store.transactions import run_in_transaction
from tests.publish.test_exact_rows import PURPOSE, Office, office
from tests.small_waves import KEY as WAVE
from tests.work_of import work_of

__all__ = ["office"]

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)


def take(office: Office, **more: Any) -> MicrodataFile:
    with recording_refusals(office.settings):
        return run_in_transaction(
            office.settings.store_url,
            lambda session: export_rows(
                work_of(session, office.lin, NOW, settings=office.settings),
                wave_key=WAVE,
                purpose=PURPOSE,
                form=FileFormat.CSV,
                **more,
            ),
        )


def test_a_refused_file_leaves_an_entry_and_nothing_else(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = []

    def find_proofs(_data: object, _people: object, made: Any) -> RowCheck:
        draws.append(frozenset(made.table["row"]))
        return RowCheck(9, 9, frozenset({"110000"}))

    monkeypatch.setattr(rows_in_parts, "check_rows", find_proofs)
    with pytest.raises(RowsCanBeUndoneError, match="3 times"):
        take(office)
    assert len(set(draws)) == len(draws) == rows_in_parts.MAX_ATTEMPTS
    with read_scope(office.settings.store_url) as session:
        entries = session.exec(select(AuditEntry)).all()
        assert session.exec(select(RowExport)).first() is None
    (refused,) = [entry for entry in entries if entry.action == "rows.refused"]
    assert refused.actor_id == office.lin.account_id
    assert refused.detail["purpose"] == PURPOSE
    assert not list(Path(office.settings.snapshot_dir).rglob(".prepared-rows.arrow"))


def test_files_of_everybody_from_before_are_listed(office: Office) -> None:
    made = take(office)
    assert made.rows == 120 - 12
    assert "九成" in made.content.decode()
    number = office.ask()
    office.decide(number)
    office.take(number)
    assert [each.passed for each in check_row_files(office.settings)] == [True]
    with session_scope(office.settings.store_url) as session:
        known = session.exec(select(RowExport)).first()
        assert known is not None
        values = known.model_dump(exclude={"id"})
        session.add(RowExport(**values | {"rows": 120, "account_id": office.lin.account_id}))
    with read_scope(office.settings.store_url) as session:
        (listed,) = list_undoable_exports(work_of(session, office.administrator, NOW))
        with pytest.raises(AccessDeniedError):
            list_undoable_exports(work_of(session, office.lin, NOW))
    assert (listed.wave, listed.account, listed.rows) == (WAVE, "lin", 120)
    (found,) = check_row_files(office.settings)
    assert not found.passed
    assert f"{WAVE}, lin" in str(found.detail)
    with session_scope(office.settings.store_url) as session:
        with pytest.raises(AccessDeniedError):
            settle_undoable_exports(work_of(session, office.lin, NOW), reason="deleted")
        settle_undoable_exports(work_of(session, office.administrator, NOW), reason="deleted")
    assert [each.passed for each in check_row_files(office.settings)] == [True]
    with read_scope(office.settings.store_url) as session:
        entries = session.exec(select(AuditEntry)).all()
    (settled,) = [entry for entry in entries if entry.action == "rows.settled"]
    assert settled.detail == {"export": str(listed.export_id), "reason": "deleted"}
