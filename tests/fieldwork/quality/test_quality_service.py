"""Assessing a stored wave and reading its quality, on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.locale import translator
from survey.review.quality.assessment import assess_wave
from survey.review.quality.flags import KIND_NAMES, VERSION, FlagKind, flag_text
from survey.review.quality.summary import QualityRow, summarise_quality
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Invitation,
    Mode,
    Posting,
    Response,
    ResponseFlag,
    ResponseRisk,
    SamplingPoint,
    Status,
    new_id,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

if TYPE_CHECKING:
    from tests.conftest import Field

NOW = datetime(2026, 5, 20, 3, 0, tzinfo=UTC)
SUPERVISOR = Principal(UUID(int=3), "Wang", Role.SUPERVISOR, "110000")


def _interview(field: Field, number: int, **changes: Any) -> FinishedResponse:
    started = field.now - timedelta(days=2) + timedelta(minutes=20 * number)
    given: dict[str, Any] = {
        "client_uuid": new_id(), "city_code": "110000", "mode": Mode.SELF,
        "status": Status.SUBMITTED, "started_at": started,
        "submitted_at": started + timedelta(minutes=4), "duration_seconds": 240.0,
        "answers": {**field.complete, "quality": 1 + number % 10},
        "point_id": field.point.id, "surveyor_id": field.surveyor.account_id,
    }  # fmt: skip
    return FinishedResponse(**{**given, **changes})


def _write(field: Field, rows: Iterable[FinishedResponse]) -> None:
    with session_scope(field.url) as session:
        write_responses(work_of(session, OPERATOR, field.now), wave=field.wave, rows=rows)


@pytest.fixture
def collected(field: Field) -> Field:
    """Ten interviews in Beijing, of which the last is fast and was void; two in Shanghai."""
    fast = {"status": Status.VOID, "reason": "speeder", "duration_seconds": 60.0}
    rows = [_interview(field, n, **(fast if n == 9 else {})) for n in range(10)]
    there = {
        "city_code": "310000", "point_id": field.foreign_point.id,
        "surveyor_id": field.colleague.account_id,
    }  # fmt: skip
    rows += [_interview(field, n, **there) for n in range(2)]
    rows.append(_interview(field, 20, status=Status.SCREENED_OUT, answers={"consent": "yes"}))
    _write(field, rows)
    return field


def _assess(field: Field, session: Session) -> None:
    assess_wave(work_of(session, OPERATOR, field.now), wave_key=field.wave.key)


def _flags(url: str) -> list[tuple[UUID, str, float]]:
    with read_scope(url) as session:
        return sorted(
            (flag.response_id, flag.kind, flag.strength)
            for flag in session.exec(select(ResponseFlag))
        )


def test_a_fast_interview_is_flagged_and_nothing_else_changes(collected: Field) -> None:
    with read_scope(collected.url) as session:
        before = [row.model_dump() for row in session.exec(select(Response).order_by(Response.id))]
    with session_scope(collected.url) as session:
        result = assess_wave(work_of(session, OPERATOR, collected.now), wave_key="main-2026")
    assert result.interviews == 12
    assert {kind: n for kind, n in result.flags.items() if n} == {FlagKind.SPEED: 1}
    assert result.to_review == 1
    with read_scope(collected.url) as session:
        flag = session.exec(select(ResponseFlag)).one()
        void = session.exec(select(Response).where(Response.status == Status.VOID)).one()
        risks = {row.response_id: row for row in session.exec(select(ResponseRisk))}
        after = [row.model_dump() for row in session.exec(select(Response).order_by(Response.id))]
    assert after == before
    assert (flag.response_id, flag.kind, flag.strength) == (void.id, "speed", 1.0)
    assert flag.detector_version == VERSION
    assert flag.detected_at == collected.now
    assert len(risks) == 12
    assert risks[void.id].score == 90
    assert risks[void.id].pace == pytest.approx(0.25)
    # its one score is a 10: 100 of 100
    assert risks[void.id].mean_score == pytest.approx(100)
    assert {row.score for response_id, row in risks.items() if response_id != void.id} == {0}


def test_assessing_again_replaces_what_was_found(collected: Field) -> None:
    for _ in range(2):
        with session_scope(collected.url) as session:
            _assess(collected, session)
    first = _flags(collected.url)
    assert len(first) == 1
    _write(collected, [_interview(collected, 30, duration_seconds=50.0)])
    with session_scope(collected.url) as session:
        _assess(collected, session)
    assert len(_flags(collected.url)) == 2
    with read_scope(collected.url) as session:
        actions = session.exec(
            select(AuditEntry).where(AuditEntry.action == "quality.assessed")
        ).all()
    assert [entry.detail["to_review"] for entry in actions] == [1, 1, 2]
    assert {entry.subject_id for entry in actions} == {str(collected.wave.id)}


def test_two_runs_at_once_leave_one_set_of_flags(collected: Field) -> None:
    def run(_turn: int) -> None:
        with session_scope(collected.url) as session:
            _assess(collected, session)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert len(_flags(collected.url)) == 1


def test_a_wave_without_interviews_is_assessed_too(field: Field) -> None:
    with session_scope(field.url) as session:
        result = assess_wave(work_of(session, OPERATOR, field.now), wave_key="main-2026")
    assert (result.interviews, result.to_review) == (0, 0)
    with read_scope(field.url) as session:
        assert summarise_quality(work_of(session, OPERATOR), wave_key="main-2026") == ()


def test_the_database_refuses_a_second_flag_of_a_kind_and_a_strength_beyond_one(
    collected: Field,
) -> None:
    with session_scope(collected.url) as session:
        _assess(collected, session)
    ((response_id, kind, _),) = _flags(collected.url)
    rest = {"detected_at": collected.now, "detector_version": VERSION}
    second = ResponseFlag(response_id=response_id, kind=kind, strength=0.5, **rest)
    strong = ResponseFlag(response_id=response_id, kind="burst", strength=1.5, **rest)
    for refused in (second, strong):
        with pytest.raises(IntegrityError), session_scope(collected.url) as session:
            session.add(refused)


def _by(field: Field, principal: Principal, by: Any) -> dict[str, QualityRow]:
    with read_scope(field.url) as session:
        rows = summarise_quality(work_of(session, principal), wave_key="main-2026", by=by)
    return {row.key: row for row in rows}


def test_quality_by_surveyor_by_hand(collected: Field) -> None:
    with session_scope(collected.url) as session:
        _assess(collected, session)
    rows = _by(collected, OPERATOR, "surveyor")
    assert list(rows) == ["li", "zhao"]
    li = rows["li"]
    assert (li.interviews, li.assessed, li.valid, li.to_review) == (10, 10, 9, 1)
    assert li.valid_rate == pytest.approx(0.9)
    assert (li.valid_low, li.valid_high) == pytest.approx((0.5958, 0.9821), abs=5e-5)
    assert li.flags == {FlagKind.SPEED: 1}
    assert li.median_seconds == 240
    assert li.median_pace == pytest.approx(1.0)
    assert li.city_code == "110000"
    assert li.name["zh"] == "Li"
    assert li.effect is None


def test_quality_by_city_point_and_wave(collected: Field) -> None:
    with session_scope(collected.url) as session:
        _assess(collected, session)
    cities = _by(collected, OPERATOR, "city")
    assert {key: row.interviews for key, row in cities.items()} == {"110000": 10, "310000": 2}
    assert cities["110000"].name == {"zh": "北京市", "en": "Beijing"}
    assert not cities["110000"].has_mobilisation_pattern
    assert set(_by(collected, OPERATOR, "point")) == {"110000-u-01", "310000-u-01"}
    (whole,) = _by(collected, OPERATOR, "wave").values()
    assert (whole.key, whole.interviews, whole.valid) == ("main-2026", 12, 11)
    assert whole.flags == {FlagKind.SPEED: 1}


def test_the_interviewer_effect_of_a_city_is_that_of_its_valid_interviews(field: Field) -> None:
    def scored(number: int, surveyor: Principal, score: int, **changes: Any) -> FinishedResponse:
        answers = {**field.complete, "quality": score}
        return _interview(
            field, number, surveyor_id=surveyor.account_id, answers=answers, **changes
        )

    rows = [scored(n, field.surveyor, score) for n, score in enumerate((1, 2, 3))]
    rows += [scored(9 + n, field.colleague, score) for n, score in enumerate((5, 6, 7))]
    rows.append(scored(20, field.colleague, 10, status=Status.VOID))
    _write(field, rows)
    with session_scope(field.url) as session:
        _assess(field, session)
    effect = _by(field, OPERATOR, "city")["110000"].effect
    assert effect is not None
    assert effect.icc == pytest.approx(23 / 26)
    assert (effect.surveyors, effect.interviews) == (2, 6)


def test_a_supervisor_reads_the_own_area_only_and_may_not_assess(collected: Field) -> None:
    with session_scope(collected.url) as session:
        _assess(collected, session)
    assert set(_by(collected, SUPERVISOR, "surveyor")) == {"li"}
    assert set(_by(collected, SUPERVISOR, "city")) == {"110000"}
    assert _by(collected, SUPERVISOR, "wave")["main-2026"].interviews == 10
    assert set(_by(collected, replace(SUPERVISOR, area="31"), "city")) == {"310000"}
    for odd in ("", "3", "1%", "110", "__0000"):
        assert _by(collected, replace(SUPERVISOR, area=odd), "city") == {}
    with pytest.raises(AccessDeniedError), session_scope(collected.url) as session:
        assess_wave(work_of(session, SUPERVISOR, collected.now), wave_key="main-2026")


@pytest.mark.parametrize(
    "role", sorted(set(Role) - {Role.SUPERVISOR, Role.FINAL_REVIEWER, Role.ADMINISTRATOR})
)
def test_nobody_else_reads_the_quality_of_surveyors(role: Role, sqlite_url: str) -> None:
    principal = Principal(UUID(int=9), "x", role, "CN")
    with read_scope(sqlite_url) as session:
        with pytest.raises(AccessDeniedError):
            summarise_quality(work_of(session, principal), wave_key="main-2026")
        with pytest.raises(AccessDeniedError):
            assess_wave(work_of(session, principal), wave_key="main-2026")


def test_an_unknown_wave_is_refused(field: Field) -> None:
    with read_scope(field.url) as session, raises_code("wave_unknown"):
        summarise_quality(work_of(session, OPERATOR), wave_key="main-1900")
    with session_scope(field.url) as session, raises_code("wave_unknown"):
        assess_wave(work_of(session, OPERATOR, field.now), wave_key="main-1900")


DETAILS: dict[FlagKind, list[dict[str, Any]]] = {
    FlagKind.SPEED: [{"percent": 20, "seconds": 1.5}, {"percent": 20, "seconds": None}],
    FlagKind.STRAIGHT_LINING: [{"same": 34, "rated": 34, "score": "8"}],
    FlagKind.CARELESS: [{"correlation": -0.4}],
    FlagKind.NEAR_DUPLICATE: [
        {"percent": 97, "of": "x", "same_surveyor": same} for same in (True, False)
    ],
    FlagKind.HOUR: [{"time": "03:12"}],
    FlagKind.BURST: [{"at": at, "count": 45, "usual": 1.3} for at in ("point", "city")],
    FlagKind.OVER_QUOTA: [{"number": 23, "target": 20}],
    FlagKind.NON_RESPONSE: [{"without": 12, "asked": 40}],
    FlagKind.SAME_DEVICE: [{"count": 4}],
    FlagKind.OUT_OF_POINT: [
        {"why": "before", "days": 2, "day": "2026-05-01"},
        {"why": "after", "days": 2, "day": "2026-05-09"},
        {"why": "unassigned"},
    ],
    FlagKind.READING_FLOOR: [
        {"seconds": 5, "least": 84, "measured": how} for how in ("whole", "questions")
    ],
}


@pytest.mark.parametrize("kind", FlagKind)
def test_every_kind_has_a_name_and_a_reason_with_its_numbers_in_chinese(kind: FlagKind) -> None:
    translate = translator("zh")
    assert translate(KIND_NAMES[kind]) != KIND_NAMES[kind].msgid
    for detail in DETAILS[kind]:
        reason = translate(flag_text(kind, detail))
        assert not reason.isascii()
        words = {"of", "at", "same_surveyor", "why", "measured"}
        shown = [str(v) for k, v in detail.items() if k not in words]
        assert all(number in reason for number in shown if number != "None")


def _link(field: Field, session: Session, phone: str) -> UUID:
    link = Invitation(
        token_sha256=new_id().hex,
        wave_id=field.wave.id,
        city_code="110000",
        point_id=field.point.id,
        surveyor_id=field.surveyor.account_id,
        expires_at=field.now,
        used_at=field.now,
        device_sha256=phone,
    )
    session.add(link)
    session.flush()
    return link.id


def test_a_phone_behind_several_links_is_found_and_a_tablet_of_the_surveyor_is_not(
    field: Field,
) -> None:
    with session_scope(field.url) as session:
        links = [_link(field, session, phone) for phone in [*"aaaa", *"bbbb"]]
    _write(
        field,
        [
            _interview(field, n, invitation_id=link, mode=Mode.SELF if n < 4 else Mode.ASSISTED)
            for n, link in enumerate(links)
        ],
    )
    with session_scope(field.url) as session:
        _assess(field, session)
    with read_scope(field.url) as session:
        flags = session.exec(select(ResponseFlag).where(ResponseFlag.kind == "same_device")).all()
    assert [flag.detail for flag in flags] == [{"count": 4}] * 4
    text = translator("zh")(flag_text(FlagKind.SAME_DEVICE, flags[0].detail))
    assert text == "4 份不同链接的问卷来自同一部手机。"


def test_who_asks_elsewhere_or_after_the_last_day_is_out_of_point(field: Field) -> None:
    """Both in the field of Beijing's surveyor: the other one is not assigned there."""
    with session_scope(field.url) as session:
        point = session.get_one(SamplingPoint, field.point.id)
        point.closes_on = (field.now - timedelta(days=1)).date()
    _write(
        field,
        [
            _interview(field, 0),
            _interview(field, 1, started_at=field.now),
            _interview(field, 2, surveyor_id=field.colleague.account_id),
            _interview(field, 3, surveyor_id=None),
        ],
    )
    with session_scope(field.url) as session:
        _assess(field, session)
    with read_scope(field.url) as session:
        query = select(ResponseFlag.detail).where(ResponseFlag.kind == "out_of_point")
        details = [detail["why"] for detail in session.exec(query)]
    assert sorted(details) == ["after", "unassigned"]


def test_quality_by_agency_has_the_rate_and_the_effect_of_its_surveyors(collected: Field) -> None:
    people = (collected.surveyor.account_id, collected.colleague.account_id)
    with session_scope(collected.url) as session:
        session.add_all(
            Posting(wave_id=collected.wave.id, account_id=person, city_code=city, agency=agency)
            for person, city, agency in (
                (people[0], "110000", "甲公司"),
                (people[0], "310000", "乙公司"),
                (people[1], "310000", ""),
            )
        )
        _assess(collected, session)
    with read_scope(collected.url) as session:
        rows = summarise_quality(work_of(session, OPERATOR), wave_key="main-2026", by="agency")
    assert [(row.key, row.city_code, row.interviews, row.valid) for row in rows] == [
        ("甲公司", "110000", 10, 9)
    ]
    assert rows[0].valid_low < rows[0].valid_rate == 0.9 < rows[0].valid_high
    assert rows[0].flags[FlagKind.SPEED] == 1
