"""An experience check from its plan to its release, on both databases."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from survey.access.principal import AccessDeniedError, Principal, list_areas_above
from survey.access.roles import Role
from survey.access.work import Seen, Work
from survey.collection.invitations import issue_invitation
from survey.collection.parking import ParkingReceipt, submit_or_park
from survey.collection.photos.photo_storage import (
    PhotoNotFoundError,
    read_visit_photo,
    save_visit_photo,
)
from survey.collection.submission import InvalidAnswersError
from survey.comparative_tests.hearings import ReplyData
from survey.compute.photo_cleaning import PhotoRefusedError, clean_photo
from survey.experience_checks import replies
from survey.experience_checks.plan import (
    ExperienceCheckPlan,
    close_experience_check,
    create_experience_check,
    open_experience_check,
)
from survey.experience_checks.reading import list_experience_checks
from survey.experience_checks.release import is_check_to_sign, sign_experience_check
from survey.experience_checks.replies import (
    draw_revisit_control,
    order_revisit,
    record_venue_reply,
    send_to_venues,
    waive_revisit,
)
from survey.experience_checks.venues import VenueList, assign_observers, draw_venues
from survey.experience_checks.visit_approval import (
    approve_visits,
    list_visits_to_approve,
    send_back_visit,
)
from survey.frame.sampling_plan import draw_key
from survey.review.decisions import allowed_transitions, decide
from survey.review.response_detail import get_response_detail
from survey.review.review_queue import list_review_work
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.china_time import china_date
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    ParkedInterview,
    Photo,
    ReplyStance,
    Response,
    ResponseRevision,
    SamplingPoint,
    Status,
    StudyUnit,
    VenueCheck,
)
from survey.store.transactions import run_in_transaction
from survey.waves.assignments import list_tasks
from survey.waves.dual_approval import list_second_approvers
from survey.waves.lifecycle import transition
from survey.waves.waves import find_wave, list_started_waves
from tests.context.experience_checks.small_check import (
    JIANGSU,
    OBSERVERS,
    START,
    SUZHOU,
    WUXI,
    RunningCheck,
    employ,
    listed,
    small_photo,
    start,
    wave_of,
)
from tests.error_codes import raises_code
from tests.work_of import work_of

TODAY = china_date(START)


@pytest.fixture
def check(store_url: str, tmp_path: Path) -> RunningCheck:
    return start(store_url, tmp_path / "photos")


def first_venue(check: RunningCheck) -> tuple[SamplingPoint, tuple[str, ...]]:
    venue = check.venues()[0]
    row = next(row for row in check.read().venues if row.code == venue.code)
    return venue, row.observers


def test_from_the_plan_to_the_release(check: RunningCheck) -> None:
    detail = check.read()
    assert [(row.city, row.venue_type) for row in detail.venues].count((SUZHOU, "market")) == 2
    assert all(len(set(row.observers)) == 2 for row in detail.venues)
    assert detail.listed[SUZHOU, "market"] == 6
    assert detail.draw is not None
    assert (detail.draw.seed, detail.draws) == (7, 1)
    venue, (one, other) = first_venue(check)
    receipts = [check.visit(one, venue.id, receipt=0), check.visit(other, venue.id)]
    assert check.read().visits == ()
    check.approve(*(each.response_id for each in receipts))
    visits = check.read().visits
    assert [
        visit.ratings["receipt"] for visit in sorted(visits, key=lambda v: v.ratings["receipt"])
    ] == [0, 1]
    assert check.do(send_to_venues, due_on=TODAY + timedelta(10)) == 1
    check.do(
        record_venue_reply,
        venue=venue.code,
        data=ReplyData(ReplyStance.OBJECTS, "The receipt was offered.", "", TODAY),
    )
    check.do(order_revisit, venue=venue.code, reason="It says that it has changed.")
    check.do(close_experience_check)
    with raises_code("experience_check_not_allowed", match="1 revisits were ordered"):
        check.do(sign_experience_check)
    check.do(open_experience_check)
    again = check.visit(one, venue.id)
    check.approve(again.response_id)
    row = next(row for row in check.read().venues if row.code == venue.code)
    assert (row.sent, row.approved, row.revisits, row.reply.stance) == (
        2,
        2,
        1,
        ReplyStance.OBJECTS,
    )
    check.do(close_experience_check)
    stranger = employ(check.url, Role.ANALYST, "CN", "yu")
    with raises_code("experience_check_unknown"):
        check.read(stranger)
    check.do(sign_experience_check)
    assert check.read(stranger).venues == ()
    assert len(check.read(stranger).visits) == 3
    mayor = employ(check.url, Role.CITY_OFFICIAL, SUZHOU, "wu")
    assert {row.city for row in check.read(mayor).venues} == {SUZHOU}
    assert all(row.photos == row.observers == () for row in check.read(mayor).venues)
    with raises_code("experience_check_not_allowed", match="released"):
        check.do(open_experience_check)
    with read_scope(check.url) as session:
        actions = set(session.exec(select(AuditEntry.action)))
    assert {
        "venue_check.planned", "venue_check.venues_drawn", "venue_check.observers_assigned",
        "wave.open", "photo.received", "venue_check.sent", "venue_check.reply_received",
        "venue_check.revisit_ordered", "wave.closed", "venue_check.released",
    } <= actions  # fmt: skip


def test_an_observer_sends_one_visit_and_sees_no_other(check: RunningCheck) -> None:
    venue, (one, other) = first_venue(check)
    name = uuid4()
    first = check.visit(
        one, venue.id, client_uuid=name, photo_price=str(check.send_photo(one, venue.id))
    )
    assert check.visit(one, venue.id, client_uuid=name).response_id == first.response_id
    with raises_code("visit_exists"):
        check.visit(one, venue.id)
    for observer in (one, other):
        person = check.observers[observer]
        with pytest.raises(AccessDeniedError):
            check.read(person)
        with read_scope(check.url) as session:
            with pytest.raises(AccessDeniedError):
                get_response_detail(work_of(session, person), response_id=first.response_id)
            tasks = list_tasks(work_of(session, person, START))
        task = next(task for task in tasks if task.point_id == venue.id)
        assert task.is_done is (observer == one)
        assert task.collected == (observer == one)
    stranger = next(name for name in OBSERVERS if name not in (one, other))
    with pytest.raises(AccessDeniedError):
        check.visit(stranger, venue.id, photo_price=str(uuid4()))


def test_a_visit_without_its_photo_is_told_so(check: RunningCheck) -> None:
    venue, (one, other) = first_venue(check)
    foreign = check.send_photo(other, venue.id)
    for photo in (uuid4(), foreign):
        with pytest.raises(InvalidAnswersError) as refused:
            check.visit(one, venue.id, photo_price=str(photo))
        assert [(each.item, each.code) for each in refused.value.problems] == [
            ("photo_price", "photo_missing")
        ]
    photo = check.send_photo(one, venue.id)
    assert check.send_photo(one, venue.id, photo) == photo
    check.visit(one, venue.id, photo_price=str(photo))


def test_photos_are_files_and_shown_to_those_who_review(check: RunningCheck) -> None:
    venue, (one, _) = first_venue(check)
    photo = check.send_photo(one, venue.id)
    files = list(check.folder.rglob("*.jpg"))
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]
    assert files[0].parent.stat().st_mode & 0o077 == 0
    readers = {
        "supervisor of the city": (employ(check.url, Role.SUPERVISOR, venue.city_code, "ma"), True),
        "who runs the check": (check.official, True),
        "supervisor elsewhere": (employ(check.url, Role.SUPERVISOR, "110000", "na"), False),
    }

    def look(person: Principal) -> bytes:
        with read_scope(check.url) as session:
            return read_visit_photo(
                work_of(session, person), folder=check.folder, photo_id=photo
            ).content

    with pytest.raises(PhotoNotFoundError):
        look(check.official)  # of no visit yet
    check.visit(one, venue.id, photo_price=str(photo))
    for person, may in readers.values():
        if may:
            assert look(person) == files[0].read_bytes()
        else:
            with pytest.raises(PhotoNotFoundError):
                look(person)
    with pytest.raises(AccessDeniedError):
        look(check.observers[one])
    files[0].write_bytes(b"something else")
    with pytest.raises(PhotoNotFoundError):
        look(check.official)


def test_of_a_refused_photo_nothing_is_kept(check: RunningCheck) -> None:
    venue, (one, _) = first_venue(check)
    with pytest.raises(PhotoRefusedError):
        clean_photo(b"<svg onload=alert(1)>")
    taken = check.send_photo(one, venue.id)
    with pytest.raises(PhotoRefusedError):
        run_in_transaction(
            check.url,
            lambda session: save_visit_photo(
                work_of(session, check.observers[one], START),
                folder=check.folder,
                photo_id=taken,
                point_id=venue.id,
                item_name="photo_price",
                photo=replace(clean_photo(small_photo()), sent_sha256="of another photo"),
            ),
        )
    with pytest.raises(AccessDeniedError, match="No photo"):
        run_in_transaction(
            check.url,
            lambda session: save_visit_photo(
                work_of(session, check.observers[one], START),
                folder=check.folder,
                photo_id=uuid4(),
                point_id=venue.id,
                item_name="remark",
                photo=clean_photo(small_photo()),
            ),
        )
    with read_scope(check.url) as session:
        assert [row.id for row in session.exec(select(Photo))] == [taken]


def test_nothing_for_waves_of_people_knows_a_check(check: RunningCheck) -> None:
    wave = wave_of(check)
    venue, (one, _) = first_venue(check)
    supervisor = check.reviewers()[0]
    with read_scope(check.url) as session:
        assert find_wave(session=session, key=wave.key) is None
        assert list_started_waves(work_of(session, supervisor)) == []
        reviewed = list_started_waves(work_of(session, supervisor), with_venues=True)
    assert [each.id for each in reviewed] == [wave.id]
    with pytest.raises(AccessDeniedError), session_scope(check.url) as session:
        issue_invitation(
            work_of(session, check.observers[one], START), wave_key=wave.key, point_id=venue.id
        )


@pytest.mark.parametrize(
    "change",
    ["state = 'frozen'", "state = 'released'", "unit = 'people'", "tree_id = instrument_id"],
)
def test_the_database_itself_keeps_venues_out_of_the_score(
    check: RunningCheck, change: str
) -> None:
    with pytest.raises(IntegrityError), session_scope(check.url) as session:
        session.connection().execute(text(f"UPDATE wave SET {change} WHERE key = 'check-2026'"))


def test_a_check_opens_when_every_venue_has_its_observers(store_url: str, tmp_path: Path) -> None:
    check = start(store_url, tmp_path, opened=False)
    check.do(draw_venues, listed=listed(), per_type=3, seed=8)
    assert check.read().draws == 2
    with raises_code("experience_check_not_allowed", match="lack an observer"):
        check.do(open_experience_check)
    with raises_code("experience_check_not_allowed", match="Only 1 of the people"):
        check.do(assign_observers, logins=OBSERVERS[:1], seed=1)
    assert check.do(assign_observers, logins=OBSERVERS, seed=1) == 24
    with raises_code("experience_check_changed"):
        check.do(open_experience_check, seen=Seen(check.id, 1))
    check.do(open_experience_check)
    with raises_code("experience_check_not_allowed"):
        check.do(draw_venues, listed=listed(), per_type=3, seed=9)


def test_only_who_runs_checks_there_changes_one(check: RunningCheck) -> None:
    neighbour = employ(check.url, Role.PROVINCE_OFFICIAL, "33", "zhe")
    with raises_code("experience_check_unknown"):
        check.do(close_experience_check, principal=neighbour)
    with pytest.raises(AccessDeniedError):
        check.do(close_experience_check, principal=employ(check.url, Role.ANALYST, JIANGSU, "x"))
    with read_scope(check.url) as session:
        assert list_experience_checks(work_of(session, neighbour)) == []


@pytest.mark.parametrize("due_on", [TODAY, date(2027, 5, 1)])
def test_venues_have_time_to_reply_and_not_for_ever(check: RunningCheck, due_on: date) -> None:
    with raises_code("experience_check_not_allowed", match="days to reply"):
        check.do(send_to_venues, due_on=due_on)


def test_a_check_is_released_when_its_hearing_is_over(sqlite_url: str, tmp_path: Path) -> None:
    check = start(sqlite_url, tmp_path)
    venue, people = first_venue(check)
    receipts = [check.visit(observer, venue.id) for observer in people]
    check.approve(*(each.response_id for each in receipts))
    check.do(send_to_venues, due_on=TODAY + timedelta(10))
    check.do(order_revisit, venue=venue.code, reason="It says that it has changed.")
    check.do(close_experience_check)
    with raises_code("experience_check_not_allowed", match="can still reply"):
        check.do(sign_experience_check)
    check.do(
        record_venue_reply, venue=venue.code, data=ReplyData(ReplyStance.AGREES, "Yes.", "", TODAY)
    )
    with raises_code("experience_check_not_allowed", match="1 revisits were ordered"):
        check.do(sign_experience_check)
    with raises_code("experience_check_not_allowed"):
        check.do(waive_revisit, venue=venue.code, reason="")
    check.do(waive_revisit, venue=venue.code, reason="The venue closed for good.")
    assert check.read().venues[0].waived_because == "The venue closed for good."
    with raises_code("experience_check_not_allowed", match="awaited"):
        check.do(waive_revisit, venue=venue.code, reason="The venue closed for good.")
    check.do(sign_experience_check)


def test_nothing_is_released_before_every_visited_venue_was_heard(
    sqlite_url: str, tmp_path: Path
) -> None:
    check = start(sqlite_url, tmp_path, per_type=1)
    rows = check.read().venues[:2]
    points = {point.code: point.id for point in check.venues()}
    for row in rows:
        check.approve(*(check.visit(who, points[row.code]).response_id for who in row.observers))
        if row is rows[0]:
            check.do(send_to_venues, due_on=TODAY + timedelta(5))
    check.do(close_experience_check)
    with raises_code("experience_check_not_allowed", match="1 venues were not told"):
        check.do(sign_experience_check)
    check.do(send_to_venues, due_on=TODAY + timedelta(30))
    for day, name in ((5, rows[0].name), (6, rows[1].name), (30, rows[1].name)):
        with raises_code("experience_check_not_allowed", match=f"{name} can still reply"):
            check.do(sign_experience_check, now=START + timedelta(day))
    assert check.do(sign_experience_check, now=START + timedelta(31))


def test_a_control_is_drawn_among_the_others_with_the_seed_of_the_check(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = start(sqlite_url, tmp_path, per_type=1)
    rows, points = check.read().venues, {point.code: point.id for point in check.venues()}
    sent = [check.visit(row.observers[0], points[row.code]).response_id for row in rows]
    check.approve(*sent)
    with raises_code("experience_check_not_allowed", match="No venue was chosen"):
        check.do(draw_revisit_control, count=2)
    check.do(order_revisit, venue=rows[0].code, reason="No price was shown.")
    with raises_code("experience_check_not_allowed", match="at least 10 venues, and 3 others"):
        check.do(draw_revisit_control, count=2)
    monkeypatch.setattr(replies, "MIN_CONTROL", 2)
    assert check.do(draw_revisit_control, count=2) == 2
    others = sorted((row.code for row in rows[1:]), key=lambda code: draw_key(code, 7))
    drawn = {row.code for row in check.read().venues if row.is_control}
    assert drawn == set(others[:2]) == check.read().controls
    with raises_code("experience_check_not_allowed", match="drawn already"):
        check.do(draw_revisit_control, count=2)
    # What was drawn is made or waived like what was chosen.
    check.do(send_to_venues, due_on=TODAY + timedelta(5))
    check.do(close_experience_check)
    with raises_code("experience_check_not_allowed", match="3 revisits were ordered"):
        check.do(sign_experience_check, now=START + timedelta(6))


def test_two_people_release_a_check_and_what_changed_is_signed_anew(check: RunningCheck) -> None:
    venue, people = first_venue(check)
    receipts = [check.visit(observer, venue.id) for observer in people]
    check.approve(*(each.response_id for each in receipts))
    check.do(send_to_venues, due_on=TODAY + timedelta(10))
    check.do(
        record_venue_reply, venue=venue.code, data=ReplyData(ReplyStance.REMARKS, "Hm.", "", TODAY)
    )
    check.do(close_experience_check)
    second = employ(check.url, Role.NATIONAL_OFFICIAL, "CN", "lin")

    def sign(person: Principal, *, releases: bool | None = None) -> bool:
        seen = Seen(check.id, check.read().version)

        def run(session: Session) -> bool:
            work = Work(session, person, START, Settings(two_person_freeze=True))
            return sign_experience_check(work, seen, releases=releases)

        return run_in_transaction(check.url, run)

    def is_to_sign(person: Principal) -> bool:
        with read_scope(check.url) as session:
            work = Work(session, person, START, Settings(two_person_freeze=True))
            return is_check_to_sign(work, wave_id=check.id)

    with raises_code("experience_check_not_allowed", match="changed what a signature does"):
        sign(check.official, releases=True)
    assert is_to_sign(check.official)
    assert not sign(check.official, releases=False)
    assert (is_to_sign(check.official), is_to_sign(second)) == (False, True)
    with raises_code("second_person_required"):
        sign(check.official)
    assert check.read().summary.released_at is None

    reply = ReplyData(ReplyStance.AGREES, "Yes.", "", TODAY)
    check.do(record_venue_reply, venue=venue.code, data=reply)
    assert not sign(second), "the first one signed before the reply"
    assert sign(check.official, releases=True)
    assert check.read().summary.released_at == START
    with read_scope(check.url) as session:
        audit = session.exec(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert [each for each in audit if each.startswith("wave.request")] == [
        "wave.requested", "wave.request_withdrawn", "wave.requested", "wave.request_confirmed",
    ]  # fmt: skip


def test_remarks_are_masked_before_they_are_stored(sqlite_url: str, tmp_path: Path) -> None:
    check = start(sqlite_url, tmp_path)
    venue, (observer, _) = first_venue(check)
    remark = "服务员李晓明留了13812345678，门口停着苏E·12345"
    sent = {"remark": remark, "client_uuid": uuid4(), "photo_price": None}
    sent["photo_price"] = str(check.send_photo(observer, venue.id))
    receipt = check.visit(observer, venue.id, **sent)
    with session_scope(check.url) as session:
        stored = session.exec(
            select(ResponseRevision.answers).where(
                ResponseRevision.response_id == receipt.response_id
            )
        ).one()
    assert stored["remark"] == "服务员***留了***，门口停着***"
    # Sent again it is the same visit, and no other content.
    assert check.visit(observer, venue.id, **sent).duplicate
    with session_scope(check.url) as session:
        other = AuditEvent.RESPONSE_REPLAYED_WITH_OTHER_CONTENT
        assert not session.exec(select(AuditEntry).where(AuditEntry.action == other)).all()


def test_remarks_of_a_late_visit_are_masked_while_it_waits(sqlite_url: str, tmp_path: Path) -> None:
    """It is kept for a supervisor to decide, in a table of its own."""
    check = start(sqlite_url, tmp_path)
    venue, (observer, _) = first_venue(check)
    sent = check.fill_in(observer, venue.id, remark="服务员李晓明留了13812345678")
    check.do(close_experience_check)
    receipt = run_in_transaction(
        check.url,
        lambda session: submit_or_park(
            session=session, submission=sent, principal=check.observers[observer], now=START
        ),
    )
    assert isinstance(receipt, ParkingReceipt)
    with session_scope(check.url) as session:
        parked = session.get_one(ParkedInterview, receipt.parked_id)
    assert parked.answers["remark"] == "服务员***留了***"


def test_a_demonstration_lists_its_own_checks_only(check: RunningCheck) -> None:
    visitor = replace(check.official, is_demo=True)
    with read_scope(check.url) as session:
        assert list_experience_checks(work_of(session, visitor)) == []
        assert len(list_experience_checks(work_of(session, check.official))) == 1


def city_approve(check: RunningCheck, *responses: UUID) -> None:
    supervisor, _ = check.reviewers()
    for response_id in responses:
        run_in_transaction(
            check.url,
            lambda session, response_id=response_id: decide(
                work_of(session, supervisor, START),
                response_id=response_id,
                expected_version=1,
                to=Status.CITY_APPROVED,
                reason=None,
            ),
        )


def test_the_last_word_on_a_visit_is_that_of_who_signs_its_check(check: RunningCheck) -> None:
    """An administrator and a final reviewer have it elsewhere; a neighbour has it of its own."""
    venue, people = first_venue(check)
    one, other = (check.visit(observer, venue.id).response_id for observer in people)
    city_approve(check, one, other)
    strangers = [
        employ(check.url, Role.ADMINISTRATOR, "CN", "tan"),
        employ(check.url, Role.FINAL_REVIEWER, "CN", "fei"),
        employ(check.url, Role.PROVINCE_OFFICIAL, "33", "zhe"),
        employ(check.url, Role.CITY_OFFICIAL, venue.city_code, "wu"),
        check.reviewers()[0],
    ]

    def approve(person: Principal, visits: dict[UUID, int]) -> int:
        approved: int = run_in_transaction(
            check.url,
            lambda session: approve_visits(work_of(session, person, START), visits=visits),
        )
        return approved

    for person in strangers:
        with pytest.raises(AccessDeniedError):
            approve(person, {one: 2, other: 2})
        with pytest.raises(AccessDeniedError), session_scope(check.url) as session:
            transition(
                work_of(session, person, START),
                response_id=one,
                to=Status.APPROVED,
                reason="",
                expected_version=2,
            )
    for person in strangers[:2]:
        waits = allowed_transitions(person, Status.CITY_APPROVED, StudyUnit.VENUE)
        assert Status.APPROVED not in waits
        with read_scope(check.url) as session:
            queue = list_review_work(work_of(session, person, START))
        assert all(each.status is not Status.CITY_APPROVED for each in queue)
    with read_scope(check.url) as session:
        work = work_of(session, check.official, START)
        assert list_visits_to_approve(work)[check.id][0] == 2
        signers = list_second_approvers(
            work_of(session, strangers[-1]), city_code=venue.city_code, wave_id=check.id
        )
    assert signers == (check.official.name,)
    with raises_code("response_changed"):
        approve(check.official, {one: 2, other: 1})
    assert check.read().visits == (), "all or none"
    assert approve(check.official, {one: 2, other: 2}) == 2
    assert len(check.read().visits) == 2


def test_a_visit_is_sent_back_with_a_reason_and_nothing_changes_once_released(
    check: RunningCheck,
) -> None:
    venue, people = first_venue(check)
    one, other = (check.visit(observer, venue.id).response_id for observer in people)
    check.approve(one, other)

    def send_back(reason: str, version: int = 3) -> None:
        run_in_transaction(
            check.url,
            lambda session: send_back_visit(
                work_of(session, check.official, START),
                response_id=one,
                version=version,
                reason=reason,
            ),
        )

    with raises_code("reason_missing"):
        send_back(" ")
    send_back("The receipt is missing.")
    assert len(check.read().visits) == 1
    with session_scope(check.url) as session:  # its observer has no more to add
        session.get_one(Response, one).status = Status.VOID
    check.do(send_to_venues, due_on=TODAY + timedelta(10))
    check.do(
        record_venue_reply, venue=venue.code, data=ReplyData(ReplyStance.AGREES, "Yes.", "", TODAY)
    )
    check.do(close_experience_check)
    check.do(sign_experience_check)
    with raises_code("move_forbidden", match="released"), session_scope(check.url) as session:
        transition(
            work_of(session, check.official, START),
            response_id=other,
            to=Status.VOID,
            reason="Too late.",
            expected_version=3,
        )


def test_a_city_plans_and_signs_its_own_check_and_no_other(sqlite_url: str, tmp_path: Path) -> None:
    check = start(sqlite_url, tmp_path, per_type=1)
    mayor = employ(check.url, Role.CITY_OFFICIAL, SUZHOU, "wu")
    with read_scope(check.url) as session:
        plan = plan_of(session, check.id)
    own = plan.model_copy(update={"key": "own-2026", "area": SUZHOU})
    wave_id = run_in_transaction(
        check.url,
        lambda session: create_experience_check(work_of(session, mayor, START), draft=own),
    )
    for area in (JIANGSU, WUXI, "CN"):
        draft = own.model_copy(update={"key": "other-2026", "area": area})
        with pytest.raises(AccessDeniedError), session_scope(check.url) as session:
            create_experience_check(work_of(session, mayor, START), draft=draft)
    mine = replace(check, id=wave_id, official=mayor)
    only_here = tuple(each for each in listed().venues if each.city_code == SUZHOU)
    mine.do(draw_venues, listed=VenueList(only_here, ()), per_type=1, seed=7)
    mine.do(assign_observers, logins=OBSERVERS, seed=7)
    mine.do(open_experience_check)
    assert {row.city for row in mine.read().venues} == {SUZHOU}
    with raises_code("experience_check_unknown"):
        check.do(close_experience_check, principal=mayor)
    # The province answers for its cities, the neighbour for none of them.
    assert mine.read(check.official).summary.may_manage
    neighbour = employ(check.url, Role.CITY_OFFICIAL, WUXI, "xi")
    with raises_code("experience_check_unknown"):
        mine.read(neighbour)


def test_the_second_signature_can_come_from_the_city_its_province_or_the_nation() -> None:
    assert list_areas_above(SUZHOU) == ("CN", JIANGSU, SUZHOU)
    assert list_areas_above(JIANGSU) == ("CN", JIANGSU)
    assert list_areas_above("CN") == ("CN",)


def plan_of(session: Session, wave_id: UUID) -> ExperienceCheckPlan:
    stored = session.get_one(VenueCheck, wave_id)
    wave = stored.wave
    return ExperienceCheckPlan(
        key=wave.key,
        area=stored.area,
        title_zh=wave.title_zh,
        title_en=wave.title_en,
        scenario=stored.scenario,
        instrument_id=wave.instrument_id,
        opens_on=wave.opens_on or TODAY,
        closes_on=wave.closes_on or TODAY,
    )
