"""Telephone numbers: apart, sealed, read by one role and never without a trace."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import NATION, Role
from survey.collection.withdrawal import withdraw
from survey.questionnaire.xlsform.reader import load_bundle
from survey.review.back_check.call_list import (
    BackCheckNotFoundError,
    CallAttempt,
    list_calls,
    record_attempt,
)
from survey.review.back_check.draws import DrawPlan, create_draw, preview_draw
from survey.review.back_check.phone_numbers import (
    InterviewNotFoundError,
    InvalidPhoneNumberError,
    UndecryptableNumberError,
    decrypt_number,
    read_number,
    reencrypt_numbers,
    reveal_phone_number,
    save_phone_number,
)
from survey.settings import PROJECT_ROOT, Settings
from survey.store.cipher import Cipher, InvalidPhoneKeyError, configured_cipher, new_key
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    Account,
    AuditEntry,
    Channel,
    Outcome,
    ResponseContact,
    ResponseRevision,
)
from survey.waves.instruments import save_instrument
from survey.waves.personal_data import generate_code
from tests.error_codes import raises_code
from tests.work_of import work_of

NUMBER = "13812345678"
HandIn = Callable[..., tuple[Any, str]]


def sealed_by(*keys: str) -> Cipher:
    seal = configured_cipher(Settings(phone_key=SecretStr(",".join(keys))))
    assert seal is not None
    return seal


@pytest.fixture
def seal() -> Cipher:
    return sealed_by(new_key())


def person(field: Any, role: Role, area: str) -> Principal:
    row = Account(login=f"{role}-{uuid4()}", name=str(role), role=role, area=area)
    with session_scope(field.url) as session:
        session.add(row)
    return Principal(row.id, row.name, role, area)


def leave(field: Any, seal: Cipher, code: str, typed: str = NUMBER, hours: int = 0) -> None:
    with session_scope(field.url) as session:
        save_phone_number(
            session=session,
            cipher=seal,
            code=code,
            typed=typed,
            now=field.now + timedelta(hours=hours),
        )


def contacts(field: Any) -> list[ResponseContact]:
    with read_scope(field.url) as session:
        return list(session.exec(select(ResponseContact)))


@pytest.fixture
def to_check(field: Any, hand_in: HandIn) -> Callable[[], Any]:
    """Draw everything handed in so far and return the one back-check."""

    def draw() -> Any:
        shipped = load_bundle(PROJECT_ROOT / "seed" / "instruments", "back-check").instrument
        supervisor = person(field, Role.SUPERVISOR, "110000")
        with session_scope(field.url) as session:
            save_instrument(session=session, instrument=shipped)
            plan = DrawPlan(
                wave_id=field.wave.id,
                city_code=None,
                random_share=1.0,
                risk_share=0.0,
                seed="7",
                as_of=field.now,
            )
            seen = preview_draw(work_of(session, supervisor), plan=plan)
            create_draw(work_of(session, supervisor, field.now), seen=seen)
            (call,) = list_calls(work_of(session, supervisor), wave_id=field.wave.id)
        return supervisor, call

    return draw


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("138 1234 5678", NUMBER),
        ("+86-138-1234-5678", NUMBER),
        ("１３８１２３４５６７８", NUMBER),
        ("(010) 65251234", "010-65251234"),
        ("0755-88881234", "0755-88881234"),
    ],
)
def test_numbers_are_read_as_people_write_them(typed: str, number: str) -> None:
    assert read_number(typed) == number


@pytest.mark.parametrize("typed", ["", "1381234567", "12345678901", "hello", "8" * 200, "0" * 12])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidPhoneNumberError):
        read_number(typed)


def test_the_number_is_nowhere_readable(field: Any, hand_in: HandIn, seal: Cipher) -> None:
    receipt, code = hand_in()
    leave(field, seal, code)
    (kept,) = contacts(field)
    assert NUMBER not in kept.sealed
    assert decrypt_number(seal, receipt.response_id, kept.sealed) == NUMBER
    with read_scope(field.url) as session:
        revision = session.exec(select(ResponseRevision)).one()
        entries = session.exec(select(AuditEntry)).all()
    assert NUMBER not in repr((revision.model_dump(), [entry.model_dump() for entry in entries]))
    assert [entry.action for entry in entries].count("contact.left") == 1


def test_leaving_again_replaces_and_strangers_leave_nothing(
    field: Any, hand_in: HandIn, seal: Cipher
) -> None:
    receipt, code = hand_in()
    leave(field, seal, code)
    leave(field, seal, code, "13900000000")
    (kept,) = contacts(field)
    assert decrypt_number(seal, receipt.response_id, kept.sealed) == "13900000000"
    for other, hours in ((generate_code(), 0), ("12", 0), (code, 25)):
        with pytest.raises(InterviewNotFoundError):
            leave(field, seal, other, hours=hours)
    _, refused = hand_in(consent="no")
    with pytest.raises(InterviewNotFoundError):
        leave(field, seal, refused)


def test_withdrawing_deletes_the_number(field: Any, hand_in: HandIn, seal: Cipher) -> None:
    _, code = hand_in()
    leave(field, seal, code)
    with session_scope(field.url) as session:
        withdraw(session=session, typed=code, now=field.now)
    assert contacts(field) == []
    with pytest.raises(InterviewNotFoundError):
        leave(field, seal, code)


def test_only_a_supervisor_of_the_city_reads_it_and_it_is_noted(
    field: Any, hand_in: HandIn, seal: Cipher, to_check: Callable[[], Any]
) -> None:
    _, code = hand_in()
    leave(field, seal, code)
    supervisor, call = to_check()
    assert call.has_phone

    def read(principal: Principal) -> str:
        with session_scope(field.url) as session:
            return reveal_phone_number(
                work_of(session, principal, field.now), cipher=seal, check_id=call.id
            )

    assert read(supervisor) == NUMBER
    others = [person(field, role, NATION) for role in Role if role is not Role.SUPERVISOR]
    for stranger in (*others, OPERATOR):
        with pytest.raises(AccessDeniedError):
            read(stranger)
    with pytest.raises(BackCheckNotFoundError):
        read(person(field, Role.SUPERVISOR, "310000"))
    with read_scope(field.url) as session:
        query = select(AuditEntry).where(col(AuditEntry.action) == "contact.read")
        entry = session.exec(query).one()
    assert (entry.actor_id, entry.subject_id) == (supervisor.account_id, str(call.id))
    assert NUMBER not in repr(entry.detail)
    with session_scope(field.url) as session:
        record_attempt(
            work_of(session, supervisor, field.now),
            check_id=call.id,
            expected_version=call.version,
            attempt=CallAttempt(Outcome.NEVER_INTERVIEWED, Channel.PHONE, {}, f"call {NUMBER}"),
        )
    with pytest.raises(BackCheckNotFoundError):
        read(supervisor)


def test_no_number_is_said(
    field: Any, hand_in: HandIn, seal: Cipher, to_check: Callable[[], Any]
) -> None:
    hand_in()
    supervisor, call = to_check()
    assert not call.has_phone
    with session_scope(field.url) as session, raises_code("no_number"):
        reveal_phone_number(work_of(session, supervisor, field.now), cipher=seal, check_id=call.id)


def test_a_new_key_takes_over_and_the_old_one_may_go(field: Any, hand_in: HandIn) -> None:
    old, new, foreign = new_key(), new_key(), new_key()
    receipt, code = hand_in()
    _, other = hand_in()
    leave(field, sealed_by(old), code)
    leave(field, sealed_by(foreign), other)
    with session_scope(field.url) as session:
        assert reencrypt_numbers(session=session, cipher=sealed_by(new, old), now=field.now) == (
            1,
            1,
        )
    kept = {each.response_id: each.sealed for each in contacts(field)}
    sealed = kept[receipt.response_id]
    assert decrypt_number(sealed_by(new), receipt.response_id, sealed) == NUMBER
    with pytest.raises(UndecryptableNumberError):
        decrypt_number(sealed_by(old), receipt.response_id, sealed)
    with pytest.raises(UndecryptableNumberError):
        decrypt_number(sealed_by(new), uuid4(), sealed)


def test_keys_come_from_the_settings_or_a_file_and_are_never_told(tmp_path: Path) -> None:
    file = tmp_path / "phone.key"
    file.write_text(new_key() + "\n" + new_key() + "\n")
    assert configured_cipher(Settings(phone_key_file=file)) is not None
    assert configured_cipher(Settings()) is None
    with pytest.raises(InvalidPhoneKeyError):
        configured_cipher(Settings(phone_key_file=tmp_path / "missing"))
    key = "not-a-key-but-secret"
    settings = Settings(phone_key=SecretStr(key))
    with pytest.raises(InvalidPhoneKeyError) as refusal:
        configured_cipher(settings)
    assert key not in repr(settings) + str(refusal.value)
