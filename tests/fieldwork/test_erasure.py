"""Every column of every table says what a withdrawal leaves of it, and the withdrawal does so."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, update
from sqlmodel import Session, SQLModel, select

from survey.access.principal import OPERATOR
from survey.collection.retention import delete_expired
from survey.collection.withdrawal import withdraw
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    AuditMember,
    BackCheck,
    BackCheckDraw,
    ChosenBy,
    CodedAnswer,
    CodingFrame,
    CodingRound,
    PaperKeying,
    PaperSheet,
    ParkedInterview,
    ParkingReason,
    Photo,
    Response,
    ResponseContact,
    ResponseFlag,
    ResponseRevision,
    ResponseRisk,
    SheetState,
    VenueVisit,
    get_metadata,
    table_of,
)
from survey.store.tables.erasure import ABOUT_NO_INTERVIEW, DELETED_WITH_INTERVIEW, ERASURES
from tests.work_of import work_of

HandIn = Callable[..., tuple[Any, str]]
DECLARED = {table_of(model).name for model in (*ERASURES, *DELETED_WITH_INTERVIEW)}


def test_every_table_says_whether_it_holds_something_of_an_interview() -> None:
    """A new table is named in `survey.store.tables.erasure`, or this fails."""
    assert set(get_metadata().tables) == DECLARED | ABOUT_NO_INTERVIEW
    assert not DECLARED & ABOUT_NO_INTERVIEW


@pytest.mark.parametrize("table", get_metadata().tables.values(), ids=lambda table: table.name)
def test_what_refers_to_an_interview_is_no_table_about_none(table: Table) -> None:
    about = {"response", "response_revision", "paper_sheet"}
    refers = {key.column.table.name for key in table.foreign_keys} & about
    assert table.name in DECLARED or not (
        refers or "response_id" in table.c or "answers" in table.c
    )


@pytest.mark.parametrize("model", ERASURES, ids=lambda model: model.__name__)
def test_every_column_says_whether_it_is_kept(model: type[SQLModel]) -> None:
    erasure = ERASURES[model]
    named = [*erasure.kept, *erasure.erased, *erasure.erased_later]
    assert sorted(named) == sorted(column.name for column in table_of(model).c)


OF_A_PERSON: dict[str, Any] = {
    "answers": {"q": "Kanarienvogel"}, "timings": {"Kanarienvogel": 3.5}, "note": "Kanarienvogel",
    "reason": "Kanarienvogel", "device_sha256": "Kanarienvogel", "dropped_answers": 3,
    "duration_seconds": 3.5, "started_at": datetime(2026, 1, 2, tzinfo=UTC),
}  # fmt: skip
"""Column that is erased -> what stands in it before."""


def plant(session: Session, field: Any, response_id: UUID) -> None:
    """A row about the interview in every table that can hold one."""
    wave, city, at = field.wave.id, "110000", field.now
    point, surveyor = field.point.id, field.surveyor.account_id
    of = {"response_id": response_id}
    instrument_id = session.get_one(Response, response_id).instrument_id
    entry = session.exec(select(AuditEntry)).first()
    assert entry is not None
    draw = BackCheckDraw(
        wave_id=wave, area="CN", seed="1", random_share=1, risk_share=0, as_of=at, pool=1, drawn=1,
        drawn_sha256="0" * 64, drawn_at=at,
    )  # fmt: skip
    sheet = PaperSheet(
        wave_id=wave, city_code=city, serial="7", keyed_twice=False, state=SheetState.SETTLED, **of
    )
    frame = CodingFrame(question="comment", version=1, codes=[])
    session.add_all([draw, sheet, frame])
    session.flush()
    coding = CodingRound(
        wave_id=wave, question="comment", frame_id=frame.id, seed="1", pool=1, drawn=1
    )
    session.add(coding)
    session.flush()
    session.add_all(
        [
            BackCheck(
                draw_id=draw.id, wave_id=wave, city_code=city, surveyor_id=surveyor,
                instrument_id=instrument_id, chosen_by=ChosenBy.RANDOM, **of,
            ),
            PaperKeying(
                sheet_id=sheet.id, number=1, client_uuid=uuid4(), account_id=surveyor,
                point_id=point, surveyor_id=surveyor, interview_on=at.date(), answers={},
            ),
            VenueVisit(point_id=point, observer_id=surveyor, round=1, **of),
            ParkedInterview(
                client_uuid=uuid4(), wave_id=wave, city_code=city, mode="assisted",
                why=ParkingReason.WAVE_CLOSED, instrument_id=instrument_id, parked_at=at,
                decision="accepted", decided_at=at, **of,
            ),
            CodedAnswer(
                round_id=coding.id, city_code=city, place=0, text="Kanarienvogel", **of
            ),
            ResponseContact(sealed="Kanarienvogel", left_at=at, **of),
            Photo(
                sha256="0" * 64, sent_sha256="0" * 64, bytes=1, width=1, height=1, point_id=point,
                latitude=39.9, longitude=116.4, taken_at="Kanarienvogel", **of,
            ),
        ]
    )  # fmt: skip
    session.add(AuditMember(entry_id=entry.id, **of))
    session.add(ResponseRisk(score=3, detected_at=at, detector_version="1", **of))
    session.add(
        ResponseFlag(
            kind="fast", strength=1, detail={"q": "Kanarienvogel"}, detected_at=at,
            detector_version="1", **of,
        )
    )  # fmt: skip
    session.flush()


def rows_of(session: Session, model: type[SQLModel]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.connection().execute(table_of(model).select())]


def test_a_withdrawal_erases_and_keeps_what_is_declared(field: Any, hand_in: HandIn) -> None:
    receipt, code = hand_in(comment="Kanarienvogel")
    with session_scope(field.url) as session:
        plant(session, field, receipt.response_id)
        for model, erasure in ERASURES.items():
            table = table_of(model)
            # Both have tests of their own: no other interview may get a weight or lose its place.
            names = erasure.erased.keys() - {"quota_cell_id", "given_weight"}
            planted = {name: OF_A_PERSON[name] for name in names}
            if planted and model is not ResponseRevision:  # that nothing but a withdrawal changes
                session.connection().execute(update(table).values(planted))
        before = {model: rows_of(session, model) for model in (*ERASURES, *DELETED_WITH_INTERVIEW)}
    assert all(before.values()), [model.__name__ for model, rows in before.items() if not rows]
    with session_scope(field.url) as session:
        withdraw(session=session, typed=code, now=field.now + timedelta(hours=1))
    with read_scope(field.url) as session:
        for model in DELETED_WITH_INTERVIEW:
            assert rows_of(session, model) == [], model
        for model, erasure in ERASURES.items():
            expected = dict(erasure.erased)
            if model is Response:
                changed = {"status", "lock_version", "withdrawn_at"}
                expected["reason"] = "withdrawn"
            else:
                changed = set()
            for row, old in zip(rows_of(session, model), before[model], strict=False):
                assert {name: row[name] for name in expected} == expected, model
                same = (erasure.kept | erasure.erased_later.keys()) - changed
                assert {name: row[name] for name in same} == {name: old[name] for name in same}
    with read_scope(field.url) as session:
        told = [rows_of(session, model) for model in (*ERASURES, *DELETED_WITH_INTERVIEW)]
    assert "Kanarienvogel" not in repr(told)


def test_the_schedule_erases_later_what_is_declared(
    field: Any, hand_in: HandIn, tmp_path: Any
) -> None:
    receipt, code = hand_in()
    settings = Settings(database_url=field.url, data_dir=tmp_path)
    with session_scope(field.url) as session:
        withdraw(session=session, typed=code, now=field.now)
    with session_scope(field.url) as session:
        before = session.get_one(Response, receipt.response_id).model_dump()
        delete_expired(
            work_of(session, OPERATOR, settings=settings),
            at=field.now + timedelta(days=settings.keep_withdrawn_days),
        )
    with read_scope(field.url) as session:
        after = session.get_one(Response, receipt.response_id).model_dump()
    later = dict(ERASURES[Response].erased_later)
    assert None not in {before[name] for name in later}
    assert after == {**before, **later}
