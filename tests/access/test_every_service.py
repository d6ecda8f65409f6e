"""Default deny, for every service there is: a new one is found by looking and tested as well.

Each is called by somebody without any right, and by somebody with every right in another city.
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from survey.access import principal as access
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import ROLES, Action, Role
from survey.access.work import Seen, Work
from survey.collection.importing.target_wave import ImportRequest
from survey.collection.invitation_sheets import issue_invitation_sheet
from survey.collection.invitations import issue_invitation
from survey.collection.paper.keying import Keying, SheetHead
from survey.collection.paper.keying_service import FIRST
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.collection.submission_envelope import Submission
from survey.comparative_tests.rules import GradingRules
from survey.counts.count_kinds import COMPLAINTS
from survey.counts.deliveries import DeliveryHead
from survey.counts.opinion.storage import EnteredDay
from survey.counts.opinion_tables import EventWindow
from survey.education.registers import BASES, STATIONS
from survey.locale import SurveyError
from survey.questionnaire.xlsform.reader import load_bundle
from survey.records import Record
from survey.review.back_check.draws import DrawPlan, create_draw, preview_draw
from survey.review.decisions import BulkPreview
from survey.review.review_queue import QueuePosition, ReviewFilter
from survey.settings import PROJECT_ROOT, Settings
from survey.store.engine import dispose_engines, engine_for, session_scope
from survey.store.tables import (
    Account,
    BackCheck,
    CodedAnswer,
    CodingFrame,
    CodingRound,
    ComparativeTest,
    Delivery,
    DeliveryKind,
    Mode,
    ParkedInterview,
    ParkingReason,
    Photo,
    Problem,
    ProblemBasis,
    ProblemState,
    SamplingPoint,
    Status,
    TraderList,
    TraderRule,
    TraderTotal,
    WaveAct,
    WaveState,
)
from survey.store.tables.registers import BaseData
from survey.waves.instruments import save_instrument
from survey.waves.quotas import QuotaPolicy
from survey.waves.review_reasons import ReasonCode, ReviewReason
from survey.waves.waves import summarise_wave
from tests.access.service_discovery import SOURCE, Service, services
from tests.records_of import record_of
from tests.work_of import work_of

CANARY = "Kanarienvogel"
ELSEWHERE, HERE = "310000", "110000"

SECRET = "takes a secret that only its holder has, and decides by it"
INSIDE = "part of a service that has decided already; no screen, route or command calls it"
PUBLIC = "the words of questionnaires, which every respondent reads"
SERVER = "run by the platform itself or on the server's own command line; nobody asks for it"
CATALOGUE = "which waves have results; every figure read from them takes the principal"
CHECK = "what the association publishes for strangers who check a release"
FULL = "which quotas of a city are full, as the public form tells everybody who opens it"

WITHOUT_PRINCIPAL = {
    "access.sessions.find_principal": SECRET,
    "access.sessions.find_last_visit": SECRET,
    "access.api_keys.find_key_holder": SECRET,
    "access.sessions.sign_in_demo": SECRET,
    "access.sessions.sign_out": SECRET,
    "access.secret_hashes.get_account_of_link": SECRET,
    "access.oidc_identity.save_oidc_request": SECRET,
    "access.oidc_identity.pop_oidc_request": SECRET,
    "access.oidc_identity.start_oidc_sign_in": SECRET,
    "access.sign_in_codes.redeem_code": SECRET,
    "access.sign_in_codes.look_up_code": SECRET,
    **dict.fromkeys(
        (
            f"access.sign_in.{step}"
            for step in (
                "open_sign_in",
                "choose_password",
                "complete_sign_in",
                "finish_enrolment",
                "look_up_credentials",
                "get_sign_in_state",
                "verify_factor_step",
                "record_refused_sign_in",
                "get_enrolment",
                "claim_factor_attempt",
                "use_link",
            )
        ),
        SECRET,
    ),
    "access.sessions.get_account_by_login": SERVER,
    "access.work.operator_work": SERVER,
    "access.audit_verify.get_latest_anchor": SERVER,
    "access.sessions.get_demo_account": SERVER,
    "access.second_factor.count_unencrypted": SERVER,
    "access.second_factor.encrypt_secrets": SERVER,
    "access.second_factor.count_secrets": SERVER,
    "collection.invitations.record_other_device": SECRET,
    "collection.withdrawal.withdraw": SECRET,
    "review.back_check.phone_numbers.save_phone_number": SECRET,
    "review.back_check.phone_numbers.reencrypt_numbers": SERVER,
    "collection.invitations.open_invitation": SECRET,
    "collection.invitations.read_invitation": SECRET,
    "waves.instruments.find_instrument": PUBLIC,
    "waves.instruments.list_instruments": PUBLIC,
    "waves.instruments.load_instrument": PUBLIC,
    "waves.instruments.load_picture": PUBLIC,
    "waves.instruments.freezing_findings": PUBLIC,
    "review.quality.assessment.is_assessment_due": SERVER,
    "results.snapshots.list_current_snapshots": SERVER,
    "results.snapshots.outdated_waves": SERVER,
    "results.whole_audits.is_audit_due": SERVER,
    "snapshots.seals.open_seals": SERVER,
    "results.wave_results.list_waves": CATALOGUE,
    "results.wave_results.list_readable_waves": CATALOGUE,
    "results.snapshots.count_snapshots": CATALOGUE,
    "results.wave_results.open_results": CATALOGUE,
    "results.row_selection.find_earlier_wave": CATALOGUE,
    "results.row_selection.open_known_results": CATALOGUE,
    "waves.waves.find_wave": CATALOGUE,
    "waves.quota_counts.list_full_groups": FULL,
    "release.public_headline.find_public_headline": "shows everybody what is published",
    "release.publishing_steps.build_key_list": CHECK,
    "release.reader_answers.count_reader_answer": "everybody may press; adds one to a count",
}
"""What takes no principal and is called from outside, and why that is right. Everything else
without one must be `INSIDE`, which is checked."""

BUILDING_BLOCKS = {
    "access.audit.record": "writes the audit row of a change that its service allowed",
    "access.audit.record_many": "as record",
    "access.audit_members.record_members": "as record",
    "access.audit.record_download": "as record, of somebody who takes away what is shown",
    "collection.response_bulk_insert.write_responses": INSIDE,
    "collection.importing.kept_mappings.keep_document": INSIDE,
    "waves.lifecycle.transition_many": INSIDE,
    "waves.planning.wave_editing.left_out_codes": INSIDE,
    "collection.paper.keying_service.build_already_keyed_error": INSIDE,
    "review.progress.tallies.list_alerts": INSIDE,
    "review.progress.wave_progress.list_area_progress": INSIDE,
    "review.progress.tallies.dispositions": INSIDE,
    "review.progress.tallies.list_marginal_quotas": INSIDE,
    "waves.dual_approval.find_self_approved": INSIDE,
    "collection.submission.store_validated": INSIDE,
    "comparative_tests.hearings.fill_in_reply": INSIDE,
    "comparative_tests.hearings.require_heard": INSIDE,
    "comparative_tests.hearings.require_reply_deadline": INSIDE,
    "collection.photos.photo_storage.save_photo": INSIDE,
    "counts.trader_lists.find_shown_row": INSIDE,
    "results.release.apply_release": INSIDE,
    "results.whole_audits.record_audit": "as record",
    "results.whole_audits.record_whole_audit": "as record",
    "files.microdata.export.get_readable_wave": INSIDE,
    "files.microdata.export.make_file": INSIDE,
    "files.microdata.export.operator_detail": INSIDE,
    "release.register.may_read": INSIDE,
    "release.transparency_log.append_acts": "as record",
    "release.transparency_log.list_subjects": INSIDE,
    "rectification.problem_records.get_readable_problem": INSIDE,
}
"""Services with a principal that only write down who it was."""
WRITTEN_BY_SCREENS = frozenset(
    {"access.audit.record", "access.audit.record_many", "access.audit.record_download"}
)

OWN_ACCOUNT = "access.own_account."
"""Everybody may look after the own account, whatever else they may do; and no other's."""

ABOVE = ("kit", "screens", "web", "cli")
SCREENS = ("kit", "screens", "web")
ALL = services()
ASKED = [
    service for service in ALL if service.asker is not None and service.name not in BUILDING_BLOCKS
]
BY_RIGHT = [service for service in ASKED if not service.name.startswith(OWN_ACCOUNT)]


def imported_by(rooms: tuple[str, ...]) -> set[str]:
    """`module.name` of everything that those rooms, the pages and the app import from `survey`."""
    files = [path for room in rooms for path in Path(SOURCE, room).rglob("*.py")]
    files += [*(PROJECT_ROOT / "pages").glob("*.py"), PROJECT_ROOT / "app.py"]
    return {
        f"{node.module.removeprefix('survey.')}.{alias.name}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def test_services_are_found() -> None:
    names = {service.name for service in ALL}
    assert len(ASKED) > 80
    assert {"collection.submission.submit", "results.release.release_wave"} <= names
    assert WITHOUT_PRINCIPAL.keys() | BUILDING_BLOCKS.keys() <= names


def test_a_service_without_a_principal_is_called_by_no_screen() -> None:
    bare = {service.name for service in ALL if service.asker is None}
    assert bare >= WITHOUT_PRINCIPAL.keys()
    assert not reached_by(ABOVE, bare - WITHOUT_PRINCIPAL.keys())


def test_building_blocks_are_called_by_no_screen() -> None:
    assert not reached_by(SCREENS, BUILDING_BLOCKS.keys() - WRITTEN_BY_SCREENS)


def reached_by(rooms: tuple[str, ...], wanted: Set[str]) -> set[str]:
    """What those rooms import of `wanted`, from its module or from a package above it."""
    reached = set()
    for imported in imported_by(rooms):
        place, _, name = imported.rpartition(".")
        reached |= {
            service_name
            for service_name in wanted
            if service_name.rpartition(".")[2] == name and service_name.startswith(f"{place}.")
        }
    return reached


@dataclass(frozen=True)
class Place:
    """A wave with an interview, a link, a sheet and a back-check in Shanghai."""

    url: str
    given: dict[str, Any]
    """Real arguments by the name of their parameter, those of one service by its name; what is not
    here is a stand-in."""
    colleague: UUID
    """The account that works there."""


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, make_field: Any, _sqlite_template: Path
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("services")
    (folder / "survey.db").write_bytes(_sqlite_template.read_bytes())
    url = f"sqlite:///{folder / 'survey.db'}"
    field = make_field(url)
    with session_scope(url) as session:
        given = _fill(session, field)
    settings = Settings(data_dir=folder, database_url=url)
    yield Place(url, {**given, "settings": settings}, field.colleague.account_id)
    dispose_engines()


def _fill(session: Session, field: Any) -> dict[str, Any]:
    shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "back-check").instrument
    save_instrument(session=session, instrument=shipped)
    zhao = session.get_one(Account, field.colleague.account_id)
    zhao.name = f"{CANARY} Zhao"
    point = session.get_one(SamplingPoint, field.foreign_point.id)
    point.name = f"{CANARY} Mall"
    session.flush()
    wave, moment = field.wave, field.now
    interview = FinishedResponse(
        client_uuid=uuid4(),
        city_code=ELSEWHERE,
        mode=Mode.ASSISTED,
        status=Status.SUBMITTED,
        submitted_at=moment,
        answers={**field.complete, "age": 36, "comment": CANARY},
        surveyor_id=zhao.id,
        started_at=moment,
        duration_seconds=300.0,
        point_id=point.id,
    )
    write_responses(work_of(session, OPERATOR, moment), wave=wave, rows=[interview])
    link = issue_invitation(
        work_of(session, field.colleague, moment), wave_key=wave.key, point_id=point.id
    )
    parked = ParkedInterview(
        client_uuid=uuid4(),
        wave_id=wave.id,
        city_code=ELSEWHERE,
        point_id=point.id,
        surveyor_id=zhao.id,
        mode=Mode.ASSISTED,
        why=ParkingReason.WAVE_CLOSED,
        instrument_id=wave.instrument_id,
        started_at=moment,
        parked_at=moment,
        answers={**field.complete, "age": 36, "comment": CANARY},
    )
    session.add(parked)
    problem = Problem(
        wave_id=wave.id,
        city_code=ELSEWHERE,
        basis=ProblemBasis.CHOSEN,
        indicator="1.1",
        respondent_group="all",
        wording=CANARY,
    )
    session.add(problem)
    session.flush()
    sheet = issue_invitation_sheet(
        work_of(session, field.colleague, moment), point_id=point.id, pages=1, days=1
    )
    plan = DrawPlan(wave.id, None, 1.0, 0.0, "seed", moment + timedelta(hours=1))
    seen = preview_draw(work_of(session, OPERATOR), plan=plan)
    create_draw(work_of(session, OPERATOR, moment), seen=seen)
    product_test = ComparativeTest(
        key="test-elsewhere",
        area=ELSEWHERE[:2],
        title_zh=CANARY,
        title_en=CANARY,
        purpose=CANARY,
        funder=CANARY,
        rules=GradingRules().model_dump(mode="json"),
    )
    session.add(product_test)
    session.flush()
    photo = Photo(
        sha256=CANARY, sent_sha256=CANARY, bytes=1, width=1, height=1, point_id=point.id,
        response_id=interview.id,
    )  # fmt: skip
    session.add(photo)
    session.flush()
    frame = CodingFrame(question="comment", version=1, codes=[{"code": "a"}])
    session.add(frame)
    session.flush()
    drawn = CodingRound(
        wave_id=wave.id, question="comment", frame_id=frame.id, seed="s", pool=1, drawn=1
    )
    session.add(drawn)
    session.flush()
    answer = CodedAnswer(
        round_id=drawn.id, response_id=interview.id, city_code=ELSEWHERE, place=0, text=CANARY
    )
    session.add(answer)
    session.flush()
    delivery = Delivery(
        kind=DeliveryKind.COMPLAINTS, external_id="cases", source="315",
        data_as_of=moment.date(), code_version="2024", area=ELSEWHERE, sha256="0" * 64,
        row_count=12,
    )  # fmt: skip
    session.add_all([delivery, TraderRule(text="Rule of the counsel")])
    session.flush()
    listed = TraderList(
        delivery_id=delivery.id, area=ELSEWHERE, year=2025, names_of="trader", cases=40
    )
    session.add(listed)
    session.flush()
    session.add(TraderTotal(list_id=listed.id, area=ELSEWHERE, name=CANARY, cases=12))
    session.flush()
    open_wave = summarise_wave(wave)
    chosen = ReviewFilter(wave.id, status=None)
    return {
        "test_id": product_test.id,
        "wave_id": wave.id,
        "wave_key": wave.key,
        "key": wave.key,
        "wave": open_wave,
        "city_code": ELSEWHERE,
        "area": ELSEWHERE,
        "point_id": point.id,
        "response_id": interview.id,
        "response_ids": [interview.id],
        "surveyor_ids": [zhao.id],
        "surveyor_id": zhao.id,
        "invitation_id": link.invitation_id,
        "invitation_ids": [link.invitation_id],
        "parked_id": parked.id,
        "sheet_id": sheet.id,
        "problem_id": problem.id,
        "check_id": session.exec(select(BackCheck.id)).one(),
        "now": moment,
        "at": moment,
        "since": moment,
        "expected_version": 1,
        "chosen": chosen,
        "plan": plan,
        "seen": seen,
        "instrument_name": "small",
        "instrument_id": wave.instrument_id,
        "cells": (),
        "cities": (),
        "serial": "1",
        "size": 20,
        "usual_waste": 0.1,
        "left": 3,
        "by": "surveyor",
        "action": Action.SETTLE_PAPER,
        "act": WaveAct.FREEZE,
        "states": (WaveState.OPEN,),
        "tally": MagicMock(),
        "answers": field.complete,
        "share": 0.5,
        "allowed": True,
        "policy": QuotaPolicy.COUNT,
        "to": Status.VOID,
        "reason": ReviewReason(ReasonCode.OTHER, "because of it"),
        "note": "because",
        "retrain_by": moment.date(),
        "days": 1,
        "pages": 1,
        "rows": [],
        "after": None,
        "tick": lambda _done: None,
        "submission": Submission(
            client_uuid=uuid4(),
            point_id=point.id,
            started_at=moment,
            answers=field.complete,
            instrument_sha256=field.instrument.sha256,
        ),
        "keying": Keying(
            client_uuid=uuid4(),
            instrument_sha256=field.instrument.sha256,
            answers=field.complete,
            sheet=SheetHead(
                wave=wave.key,
                serial="1",
                round=FIRST,
                point_id=point.id,
                surveyor_id=zhao.id,
                interview_on=moment.date(),
            ),
        ),
        "request": ImportRequest(b"", field.instrument, wave.key),
        "request_id": uuid4(),
        "before": QueuePosition.of(50, 300.0, interview.id),
        "spot": QueuePosition.of(50, 300.0, interview.id),
        "rectification.problem_changes.move_problem": {"to": ProblemState.DONE},
        "round_id": drawn.id,
        "answer_id": answer.id,
        "question": "comment",
        "open_answers.coding.read_answers": {"wave": wave},
        "open_answers.coding_frames.read_code_file": {"name": "codes.csv", "content": b""},
        "open_answers.coding_frames.save_coding_frame": {"codes": ()},
        "register": BASES,
        "education.registers.add_entry": {"data": record_of(BaseData, CANARY, area=ELSEWHERE)},
        "education.registers.list_entries": {"year": 2026, "area": "CN"},
        "evidence_city.city_action.read_city_action": {"city": "999999", "year": 2026},
        "evidence_city.outside_city.read_outside_evidence": {"city": "999999", "wave_year": 2026},
        "education.registers.list_entry_years": {"register": STATIONS, "area": "CN"},
        "entry_id": uuid4(),
        "photo_id": photo.id,
        "versions": {interview.id: 1},
        "review.decisions.decide_many": {"seen": BulkPreview(Status.VOID, {}, {}, "")},
        "education.entry_list.read_entry_file": {"name": "year.csv", "content": b""},
        "delivery_id": delivery.id,
        "hearing_id": uuid4(),
        "head": DeliveryHead("id", "source", moment.date(), area=ELSEWHERE),
        "counts.deliveries.withdraw_delivery": {"delivery_id": uuid4(), "reason": "because"},
        "kind": DeliveryKind.COMPLAINTS,
        **{
            f"counts.{service}": {"kind": COMPLAINTS}
            for service in (
                "bringing_in.saved_mappings.keep_count_mapping",
                "bringing_in.saved_mappings.list_count_mappings",
                "overdue_deliveries.list_overdue_months",
            )
        },
        **{
            f"counts.opinion.{service}": {
                "area": ELSEWHERE,
                "first": moment.date(),
                "last": moment.date(),
                "period": "2024-11",
                "entered": EnteredDay(moment.date(), ELSEWHERE, "", {("-", "negative"): 1}),
            }
            for service in (
                "storage.read_opinion_days",
                "storage.list_opinion_topics",
                "storage.read_month_records",
                "day_entry.check_opinion_day",
                "day_entry.enter_opinion_day",
            )
        },
        "counts.opinion_tables.find_busy_days": {"area": ELSEWHERE},
        "counts.opinion_tables.read_opinion_event": {
            "area": ELSEWHERE,
            "event": EventWindow(moment.date(), moment.date(), 14),
        },
        "lens": "total",
        "collection.importing.commit.commit_import": {
            "plan": MagicMock(request=ImportRequest(b"", field.instrument, wave.key))
        },
    }


def arguments(
    service: Service, place: Place, session: Session, person: Principal
) -> dict[str, Any]:
    known = {**place.given, **place.given.get(service.name, {}), "session": session}
    work = work_of(session, person, known["now"], settings=known["settings"])
    if service.hints.get("seen") is Seen:
        is_test = "comparative_tests" in service.name
        known["seen"] = Seen(known["test_id" if is_test else "wave_id"], 1)
    for name, hint in service.hints.items():
        if inspect.isclass(hint) and issubclass(hint, Record):
            plain = {"area": ELSEWHERE, "instrument_id": None, "base_id": uuid4()}
            known[name] = record_of(hint, CANARY, **plain)
    known[str(service.asker)] = work if service.hints[str(service.asker)] is Work else person
    return {name: known.get(name, MagicMock(name=name)) for name in service.hints}


@pytest.fixture
def fetched(place: Place) -> Iterator[list[Any]]:
    """Every row that leaves the database while the test runs, decided upon or not."""
    rows: list[Any] = []
    engine = engine_for(place.url)

    def keep(_cursor: Any, row: Any) -> Any:
        rows.append(row)
        return row

    def watch(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.row_factory = keep

    def unwatch(connection: Any, _record: Any) -> None:
        connection.row_factory = None

    event.listen(engine, "checkout", watch)
    event.listen(engine, "checkin", unwatch)
    yield rows
    event.remove(engine, "checkout", watch)
    event.remove(engine, "checkin", unwatch)


def call(service: Service, place: Place, person: Principal) -> Any:
    """What the service returns; whatever it did is undone."""
    with Session(engine_for(place.url)) as session:
        try:
            result = service.function(**arguments(service, place, session, person))
            return list(result) if isinstance(result, Iterator) else result
        finally:
            session.rollback()


@pytest.fixture
def anything(monkeypatch: pytest.MonkeyPatch) -> Callable[[frozenset[Action]], None]:
    def allow(actions: frozenset[Action]) -> None:
        allowed = {role: replace(known, actions=actions) for role, known in ROLES.items()}
        monkeypatch.setattr(access, "ROLES", allowed)

    return allow


@pytest.mark.parametrize("service", BY_RIGHT, ids=str)
def test_somebody_without_any_right_gets_nothing(
    service: Service, place: Place, anything: Any, fetched: list[Any]
) -> None:
    anything(frozenset())
    nobody = Principal(place.colleague, "Nobody", Role.ADMINISTRATOR, "CN")
    with pytest.raises(AccessDeniedError):
        call(service, place, nobody)
    assert CANARY not in repr(fetched)


@pytest.mark.parametrize("service", ASKED, ids=str)
def test_every_right_in_another_city_is_none_in_this_one(
    service: Service, place: Place, anything: Any, fetched: list[Any]
) -> None:
    """Refused, or nothing of Shanghai in what comes back; and no name or answer of it was read."""
    anything(frozenset(Action))
    stranger = Principal(uuid4(), "Stranger", Role.ADMINISTRATOR, HERE)
    with suppress(SurveyError):
        result = call(service, place, stranger)
        assert CANARY not in repr(result)
        assert ELSEWHERE not in repr(result)
    assert CANARY not in repr(fetched)


def test_the_colleague_in_that_city_does_read_it(
    place: Place, anything: Any, fetched: list[Any]
) -> None:
    """Or the tests above could not fail."""
    anything(frozenset(Action))
    colleague = Principal(uuid4(), "Colleague", Role.ADMINISTRATOR, ELSEWHERE)
    read = next(
        service for service in ASKED if service.name.endswith("response_detail.get_response_detail")
    )
    assert CANARY in repr(call(read, place, colleague))
    assert CANARY in repr(fetched)
