"""Exact files: one asks, another decides, one file, seven days, the results that were asked for."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.files.microdata.exact_requests import (
    ExactRequest,
    ExactRequestNotFoundError,
    ExactRowsRefusedError,
    RequestState,
    decide_exact_rows,
    export_exact_rows,
    list_exact_requests,
    list_pending_requests,
    request_exact_rows,
)
from survey.files.microdata.export import (
    ExportNotAllowedError,
    MicrodataFile,
    export_rows,
    require_purpose,
)
from survey.files.microdata.file_formats import FileFormat
from survey.results.freeze import freeze_frame
from survey.settings import Settings
from survey.snapshots.response_frame import build_response_frame
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, engine_for, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Decision, RowExport, now
from tests.conftest import FillOnce
from tests.publish.test_row_export import read_csv
from tests.small_waves import KEY as WAVE
from tests.small_waves import SmallWave, person, small_instrument, small_wave
from tests.work_of import work_of

PURPOSE = "Weights for a simulation of the design"
REASON = "Agreed with the board"
NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)


def _number(entry: AuditEntry) -> UUID:
    return entry.id


@dataclass(frozen=True)
class Office:
    """A frozen wave, two analysts and two who decide, on one of the two databases."""

    settings: Settings
    lin: Principal
    other_analyst: Principal
    wang: Principal
    administrator: Principal

    def ask(self, who: Principal | None = None, purpose: str = PURPOSE, **more: Any) -> UUID:
        with session_scope(self.settings.store_url) as session:
            return request_exact_rows(
                work_of(session, who or self.lin, NOW), wave_key=WAVE, purpose=purpose, **more
            )

    def decide(
        self,
        number: UUID,
        who: Principal | None = None,
        decision: Decision = Decision.APPROVED,
        reason: str = REASON,
    ) -> None:
        with session_scope(self.settings.store_url) as session:
            decide_exact_rows(
                work_of(session, who or self.wang, NOW),
                request_id=number,
                decision=decision,
                reason=reason,
            )

    def take(
        self, number: UUID, who: Principal | None = None, now: datetime = NOW, **more: Any
    ) -> MicrodataFile:
        with session_scope(self.settings.store_url) as session:
            return export_exact_rows(
                work_of(session, who or self.lin, now, settings=self.settings),
                request_id=number,
                **{"form": FileFormat.CSV, "language": "en"} | more,
            )

    def listed(self, who: Principal, now: datetime = NOW) -> list[ExactRequest]:
        with read_scope(self.settings.store_url) as session:
            return list_exact_requests(work_of(session, who, now))

    def state(self, number: UUID, now: datetime = NOW) -> RequestState:
        (request,) = [each for each in self.listed(self.wang, now) if each.id == number]
        return request.state

    def entries(self) -> list[tuple[str, UUID | None, dict[str, Any]]]:
        with read_scope(self.settings.store_url) as session:
            audit_entries = session.exec(select(AuditEntry)).all()
        exact = [entry for entry in audit_entries if entry.action.startswith("rows.exact")]
        return [
            (entry.action, entry.actor_id, entry.detail) for entry in sorted(exact, key=_number)
        ]


def freeze(settings: Settings) -> None:
    # Three men of 20: the ordinary file merges them with others.
    ages = [20 if number % 40 == 0 else 30 + number % 30 for number in range(120)]
    people = [
        person(number, "110000", psu=f"p{number % 4}", age=age) for number, age in enumerate(ages)
    ]
    with session_scope(settings.store_url) as session:
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=settings),
            wave=SmallWave(settings).read(session),
            frame=build_response_frame(people, small_instrument(few_groups=True)),
            options=FreezeOptions(final=True),
        )


def employ(settings: Settings, login: str, role: Role) -> Principal:
    account = Account(login=login, name=login.title(), role=role, area="CN")
    with session_scope(settings.store_url) as session:
        session.add(account)
    return Principal(account.id, account.name, role, "CN")


@pytest.fixture
def office(store_url: str, tmp_path: Path, fill_once: FillOnce) -> Iterator[Office]:
    settings = small_wave(tmp_path / "data", url=store_url).settings
    fill_once("exact-rows", settings, lambda: freeze(settings))
    yield Office(
        settings,
        employ(settings, "lin", Role.ANALYST),
        employ(settings, "zhao", Role.ANALYST),
        employ(settings, "wang", Role.NATIONAL_OFFICIAL),
        employ(settings, "sun", Role.ADMINISTRATOR),
    )
    dispose_engines()


def test_an_approved_request_gives_one_file_that_says_what_it_is(office: Office) -> None:
    number = office.ask()
    assert office.state(number) is RequestState.WAITING
    office.decide(number)
    assert office.state(number) is RequestState.APPROVED
    made = office.take(number)
    content = made.content.decode("utf-8-sig")
    for words in ("EXACT FILE", f"Purpose: {PURPOSE}", "approved by Wang on 2026-06-01", REASON):
        assert words in content
    exact = read_csv(made)
    assert len(exact) == 120
    with session_scope(office.settings.store_url) as session:
        merged = read_csv(
            export_rows(
                work_of(session, office.lin, NOW, settings=office.settings),
                wave_key=WAVE,
                purpose=PURPOSE,
                form=FileFormat.CSV,
                language="en",
            )
        )
    assert exact["weight"].nunique() > merged["weight"].nunique()
    assert exact["age_band"].notna().sum() > merged["age_band"].notna().sum()
    with read_scope(office.settings.store_url) as session:
        assert len(session.exec(select(RowExport)).all()) == 2
    (own,) = office.listed(office.lin)
    assert (own.state, own.decided_by, own.reason) == (RequestState.TAKEN, "Wang", REASON)


def test_every_step_is_one_entry_with_its_person(office: Office) -> None:
    number = office.ask()
    office.decide(number)
    office.take(number)
    entries = office.entries()
    assert [(action, who) for action, who, _ in entries] == [
        ("rows.exact_requested", office.lin.account_id),
        ("rows.exact_approved", office.wang.account_id),
        ("rows.exact_exported", office.lin.account_id),
    ]
    assert {detail["request"] for _, _, detail in entries} == {str(number)}
    assert entries[0][2]["purpose"] == PURPOSE
    assert entries[1][2]["reason"] == REASON


@pytest.mark.parametrize("purpose", ["核对老年群体综合得分", "核对 65 岁以上老年人得分", PURPOSE])
def test_a_short_sentence_is_enough_in_chinese(purpose: str) -> None:
    assert require_purpose(f" {purpose}。 ") == f"{purpose}。"


@pytest.mark.parametrize(
    "purpose", ["", "too short", "Ten letters and 9", "核对老年人得分。。。。。", "x" * 501]
)
def test_without_a_purpose_nothing_is_asked(office: Office, purpose: str) -> None:
    with pytest.raises(ExportNotAllowedError):
        office.ask(purpose=purpose)
    assert office.entries() == []


def test_only_analysts_ask_and_take(office: Office) -> None:
    number = office.ask()
    office.decide(number)
    for role in set(Role) - {Role.ANALYST}:
        with pytest.raises(AccessDeniedError):
            office.ask(replace(office.lin, role=role))
        with pytest.raises(AccessDeniedError):
            office.take(number, replace(office.lin, role=role))


def test_only_the_national_office_and_administrators_of_the_nation_decide(office: Office) -> None:
    number = office.ask()
    others = [
        Principal(uuid4(), "x", role, "CN")
        for role in set(Role) - {Role.NATIONAL_OFFICIAL, Role.ADMINISTRATOR}
    ]
    for who in (*others, replace(office.administrator, area="110000")):
        with pytest.raises(AccessDeniedError):
            office.decide(number, who)
        with read_scope(office.settings.store_url) as session, pytest.raises(AccessDeniedError):
            list_pending_requests(work_of(session, who, NOW))
    office.decide(number, office.administrator)


def test_nobody_decides_what_they_asked_for_themselves(office: Office) -> None:
    """Also after they were given the role that decides."""
    number = office.ask()
    promoted = replace(office.lin, role=Role.ADMINISTRATOR)
    with pytest.raises(ExactRowsRefusedError, match="yourself"):
        office.decide(number, promoted)
    with read_scope(office.settings.store_url) as session:
        assert list_pending_requests(work_of(session, promoted, NOW)) == []
        assert len(list_pending_requests(work_of(session, office.wang, NOW))) == 1
    with (
        pytest.raises(IntegrityError, match="two_people"),
        engine_for(office.settings.store_url).begin() as connection,
    ):
        connection.execute(
            text(
                "UPDATE exact_row_request SET decision = 'approved', decided_by = account_id, "
                "decided_at = requested_at"
            )
        )


@pytest.mark.parametrize("reason", ["", " ok ", "x" * 501])
def test_a_decision_needs_a_reason(office: Office, reason: str) -> None:
    number = office.ask()
    for decision in Decision:
        with pytest.raises(ExactRowsRefusedError, match="reason"):
            office.decide(number, decision=decision, reason=reason)
    assert office.state(number) is RequestState.WAITING


def test_a_refused_request_gives_no_file_and_is_not_decided_again(office: Office) -> None:
    number = office.ask()
    with pytest.raises(ExactRowsRefusedError, match="approved this request yet"):
        office.take(number)
    office.decide(number, decision=Decision.REFUSED)
    with pytest.raises(ExactRowsRefusedError, match=REASON):
        office.take(number)
    with pytest.raises(ExactRowsRefusedError, match="already"):
        office.decide(number, office.administrator)
    assert [action for action, _, _ in office.entries()][-1] == "rows.exact_refused"
    assert office.state(office.ask()) is RequestState.WAITING


def test_an_approval_is_good_for_seven_days(office: Office) -> None:
    number = office.ask()
    office.decide(number)
    late = NOW + timedelta(days=7)
    with pytest.raises(ExactRowsRefusedError, match="run out"):
        office.take(number, now=late)
    assert office.state(number, late) is RequestState.EXPIRED
    assert office.take(number, now=late - timedelta(seconds=1)).rows == 120


def test_an_approval_is_good_for_one_file(office: Office) -> None:
    number = office.ask()
    office.decide(number)
    office.take(number)
    with pytest.raises(ExactRowsRefusedError, match="taken already"):
        office.take(number)
    with read_scope(office.settings.store_url) as session:
        assert len(session.exec(select(RowExport)).all()) == 1


def test_of_two_takes_at_the_same_time_one_gives_a_file(office: Office) -> None:
    number = office.ask()
    office.decide(number)
    start = Barrier(4)

    def take(_: int) -> bool:
        start.wait(60)
        try:
            return office.take(number).rows == 120
        except ExactRowsRefusedError:
            return False

    with ThreadPoolExecutor(4) as pool:
        got_file = list(pool.map(take, range(4)))
    assert got_file.count(True) == 1
    assert office.state(number) is RequestState.TAKEN
    with read_scope(office.settings.store_url) as session:
        assert len(session.exec(select(RowExport)).all()) == 1
    assert [action for action, _, _ in office.entries()].count("rows.exact_exported") == 1


def test_an_approval_is_good_for_one_person_and_area(office: Office) -> None:
    number = office.ask()
    office.decide(number)
    with pytest.raises(AccessDeniedError):
        office.take(number, office.other_analyst)
    with pytest.raises(ExactRowsRefusedError, match="area"):
        office.take(number, replace(office.lin, area="11"))
    with pytest.raises(ExactRequestNotFoundError):
        office.take(uuid4())
    assert office.listed(office.other_analyst) == []


def test_a_wave_that_is_frozen_anew_needs_a_new_request(office: Office) -> None:
    """Even with the same answers: other weights may come of them."""
    waiting, approved = office.ask(office.other_analyst), office.ask()
    office.decide(approved)
    freeze(office.settings)
    with pytest.raises(ExactRowsRefusedError, match="frozen anew"):
        office.take(approved)
    with pytest.raises(ExactRowsRefusedError, match="frozen anew"):
        office.decide(waiting)
    assert {request.state for request in office.listed(office.wang)} == {RequestState.OUTDATED}
    again = office.ask()
    office.decide(again)
    assert office.take(again).rows == 120


def test_a_file_is_asked_for_once_at_a_time(office: Office) -> None:
    office.ask()
    with pytest.raises(ExactRowsRefusedError, match="already"):
        office.ask()


def test_what_was_asked_for_at_the_command_line_is_not_decided_there(office: Office) -> None:
    """Whoever runs it would be both people."""
    number = office.ask(by_operator=True)
    with pytest.raises(ExactRowsRefusedError, match="command line"):
        office.decide(number, OPERATOR)
    office.decide(number)
    office.take(number, by_operator=True)
    asked, _, delivered = office.entries()
    assert asked[1] is delivered[1] is None
    assert (asked[2]["by"], asked[2]["login"]) == (delivered[2]["by"], "lin") == ("operator", "lin")


def test_a_demo_account_asks_for_and_decides_on_demo_waves_only(office: Office) -> None:
    with pytest.raises(AccessDeniedError):
        office.ask(replace(office.lin, is_demo=True))
    number = office.ask()
    guest = replace(office.wang, is_demo=True)
    with pytest.raises(AccessDeniedError):
        office.decide(number, guest)
    assert office.listed(guest) == []


def test_a_file_of_numbers_has_replicate_weights_and_says_how_to_use_them(office: Office) -> None:
    taken = {}
    for form in (FileFormat.PARQUET, FileFormat.CSV):
        number = office.ask()
        office.decide(number)
        taken[form] = office.take(number, form=form).content
    table = pq.read_table(io.BytesIO(taken[FileFormat.PARQUET]))
    columns = [name for name in table.column_names if name.startswith("repw_")]
    assert columns == [f"repw_{number:03d}" for number in range(1, 101)]
    assert table.schema.field("repw_007").metadata[b"label"] == b"Replicate weight 7"
    assert "scale = 1/99" in json.loads(table.schema.metadata[b"remarks"])[-1]
    assert b"repw_" not in taken[FileFormat.CSV]
    with session_scope(office.settings.store_url) as session:
        ordinary = export_rows(
            work_of(session, office.lin, NOW, settings=office.settings),
            wave_key=WAVE, purpose=PURPOSE, form=FileFormat.PARQUET, language="en",
        )  # fmt: skip
    assert b"repw_" not in ordinary.content
