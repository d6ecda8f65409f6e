"""What the codes ask of a wave: recorded by who releases, proposed from the wave before, dated."""

from datetime import timedelta

import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError
from survey.locale import translator
from survey.release.quality_evidence import find_statement_at
from survey.release.quality_facts import describe_burden, describe_statement
from survey.release.wave_statements import find_statement, propose_statement, save_statement
from survey.results.burden import InterviewBurden
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Account, AuditEntry, City, Posting, Wave
from survey.store.tables.publications import WaveStatementData
from tests.error_codes import raises_code
from tests.publish.publications.register_steps import PLANNED, WAVE, person
from tests.work_of import work_of

FIRST = WaveStatementData(statistician="Lin, head of statistics", cost=1_234_500, misuse="None")


def save(store: Settings, data: WaveStatementData, who: str = "lin", hours: int = 0) -> None:
    principal = person(store, who)
    with session_scope(store.store_url) as session:
        work = work_of(session, principal, PLANNED + timedelta(hours=hours), settings=store)
        save_statement(work, wave_key=WAVE, data=data)


def test_the_newest_statement_stands_and_the_one_before_is_kept(store: Settings) -> None:
    save(store, FIRST)
    save(store, FIRST.model_copy(update={"statistician": "Wang"}), hours=2)
    with read_scope(store.store_url) as session:
        work = work_of(session, person(store, "lin"), PLANNED + timedelta(days=1), settings=store)
        found = find_statement(work, wave_key=WAVE)
        wave = session.exec(select(Wave)).one()
        before = find_statement_at(session, wave.id, PLANNED + timedelta(hours=1))
        assert find_statement_at(session, wave.id, PLANNED - timedelta(hours=1)) is None
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.action == AuditEvent.WAVE_STATEMENT_SAVED.value)
        ).all()
    assert found is not None
    assert before is not None
    assert (found.statistician, before.statistician) == ("Wang", "Lin, head of statistics")
    assert [entry.detail["fields"] for entry in entries] == [["statistician", "cost", "misuse"]] * 2


def test_only_who_releases_records_and_texts_have_an_end(store: Settings) -> None:
    with pytest.raises(AccessDeniedError):
        save(store, FIRST, who="city")
    for wrong in ({"statistician": "x" * 101}, {"cost": -1}):
        with raises_code("wave_statement_refused"):
            save(store, WaveStatementData(**wrong))


def test_a_proposal_takes_the_wave_before_but_for_what_is_of_one_wave(store: Settings) -> None:
    save(store, FIRST)
    with session_scope(store.store_url) as session:
        wave = session.exec(select(Wave)).one()
        later = Wave(**wave.model_dump(exclude={"id", "key", "year"}), key="later", year=2030)
        session.add(later)
        session.flush()
        account = session.exec(select(Account.id)).first()
        city = session.exec(select(City.code)).first()
        session.add(Posting(wave_id=later.id, account_id=account, city_code=city, agency="Alpha"))
    with read_scope(store.store_url) as session:
        work = work_of(session, person(store, "lin"), PLANNED, settings=store)
        proposed = propose_statement(work, wave_key="later")
        assert find_statement(work, wave_key="later") is None
        assert propose_statement(work, wave_key=WAVE) == FIRST
    expected = WaveStatementData(statistician=FIRST.statistician, agencies="Alpha")
    assert proposed == expected


def test_what_nobody_recorded_is_said_to_be_unknown() -> None:
    t = translator("en")
    unknown = describe_statement(None, t)
    assert {text for _, text in unknown} == {"not known, because nobody has recorded it"}
    facts = dict(describe_statement(FIRST, t))
    assert facts["Cost of the wave in yuan (0: not recorded)"] == "12,345 yuan"
    ((_, text),) = describe_burden(InterviewBurden(9, 1500, 0.8), t)
    assert text.startswith("median 9 minutes an interview, 1,500 hours in all (80%")
    ((_, text),) = describe_burden(None, t)
    assert text.startswith("not known")
