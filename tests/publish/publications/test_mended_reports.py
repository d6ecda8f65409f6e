"""Released waves whose reports an earlier version wrote are named, until they are corrected."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.operations.data_folder import check_mended_reports
from survey.release import mended_reports
from survey.release.mended_reports import list_mended_reports
from survey.release.signatures import sign_publication
from survey.results import WaveResults
from survey.results.method import IntervalAuditMethod
from survey.results.release import release_wave
from survey.results.snapshots import METHOD
from survey.results.wave_results import open_snapshot
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Publication, Shown, Snapshot
from tests.publish.publications.register_steps import (
    KEY,
    MINUTE,
    REASON,
    SIGNED,
    WAVE,
    act,
    freeze_again,
    pass_audit,
    person,
    plan,
    publish,
    published,
    sign,
)
from tests.work_of import ONE_PERSON, work_of

REPORTS = ("figures", "nation-report:zh:docx", "city-reports:zh:docx")


def told(store: Settings, principal: Principal = OPERATOR) -> list[str]:
    with read_scope(store.store_url) as session:
        return [
            str(text)
            for _, text in list_mended_reports(work_of(session, principal, settings=store))
        ]


def published_by_an_earlier_version(
    store: Settings, patch: pytest.MonkeyPatch, builders: tuple[str, ...] = REPORTS
) -> None:
    """Sign and publish without the audit that is asked for now; its reports are not built here."""
    plan(store, builders=("figures",))
    with patch.context() as earlier:
        earlier.setattr("survey.release.signatures._require_audited", lambda *_: None)
        for who in ("lin", "wang"):
            act(sign_publication, store, who, SIGNED)
    publish(store)
    with session_scope(store.store_url) as session:
        session.exec(select(Publication)).one().builders = list(builders)


def write_audit(store: Settings, **bases: int) -> None:
    """Write the audit of a freeze into the method, with the bases that an earlier one lacks."""
    audit = IntervalAuditMethod(
        seed=1, width=10, hidden=4, audited=4, widened=0, programmes=1, **bases
    )
    with session_scope(store.store_url) as session:
        folder = store.snapshot_dir / session.exec(select(Snapshot)).one().directory
        known = json.loads((folder / METHOD).read_bytes())
        known["interval_audit"] = audit.model_dump(exclude_unset=True)
        draft = SnapshotDraft(store)
        draft.write(folder / METHOD, json.dumps(known).encode())
        draft.seal(session, whole=folder, actor=OPERATOR, now=SIGNED)
        draft.install()


def open_wave(session: Session) -> None:
    release_wave(
        work_of(session, OPERATOR, MINUTE, settings=ONE_PERSON), wave_key=WAVE, shown=Shown.SCORES
    )


def test_a_release_of_this_version_is_not_named(store: Settings) -> None:
    published(store, builders=("figures", "nation-report:zh:docx"))
    assert told(store) == []
    (passed,) = check_mended_reports(store)
    assert passed.passed


def test_a_release_of_an_earlier_version_is_named_until_a_correction_is_published(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    published_by_an_earlier_version(store, monkeypatch)
    pass_audit(store)
    (text,) = told(store)
    assert f"release {KEY}" in text
    assert "all cities at the possible places" in text
    assert "interval leaves zero out" in text
    assert f"retract {KEY}" in text
    assert "English" not in text, "its reports are in Chinese"
    assert "called the nation" not in text, "a hundred cities are"
    (found,) = check_mended_reports(store)
    assert not found.passed
    later = MINUTE + timedelta(days=1)
    freeze_again(store, lifted="320500", hidden="110000")
    again = plan(store, at=MINUTE, embargo_until=later, corrects=KEY, reason=REASON)
    assert told(store) == [text], "nothing has happened yet"
    for who in ("lin", "wang"):
        sign(store, who, MINUTE, again)
    publish(store, at=later, key=again)
    assert told(store) == []


def test_figures_alone_hold_no_sentence(store: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    published_by_an_earlier_version(store, monkeypatch, ("figures",))
    assert told(store) == []


def test_reports_made_by_hand_are_named_where_the_results_are_from_before(store: Settings) -> None:
    with session_scope(store.store_url) as session:
        open_wave(session)
    write_audit(store, bases=3)
    assert told(store) == []
    write_audit(store)
    (text,) = told(store)
    assert f"Reports on {WAVE}" in text
    assert "complaints" in text
    assert "method sheet" in text


def test_a_survey_without_a_score_and_one_of_some_cities_are_told(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    published_by_an_earlier_version(store, monkeypatch)
    monkeypatch.setattr(mended_reports, "is_nationwide", lambda _: False)
    (text,) = told(store)
    assert "called the nation" in text

    def open_without_tree(*given: Any) -> WaveResults:
        results = open_snapshot(*given)
        results.tree = None
        return results

    monkeypatch.setattr(mended_reports, "open_snapshot", open_without_tree)
    (text,) = told(store)
    assert "first question for the score" in text


def test_only_those_who_release_read_the_list(store: Settings) -> None:
    with pytest.raises(AccessDeniedError):
        told(store, person(store, "city"))
