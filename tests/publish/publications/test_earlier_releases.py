"""What an earlier release hid stays hidden, also after releases were taken back."""

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import func, select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.release.archives import check_published_path
from survey.release.early_readers import open_publication
from survey.release.figure_history import list_errata
from survey.release.figures import Erratum, find_figure
from survey.release.publishing_steps import list_corrected, list_retracted, retract_publication
from survey.release.register import PublicationNotAllowedError, list_publications
from survey.release.signing_keys import format_key_list, list_keys
from survey.release.verify import KeyList, parse_keys
from survey.results.snapshots import CELLS
from survey.settings import Settings
from survey.store.audit_events import AuditEvent
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    PublicationErratum,
    PublicationState,
    Shown,
    Wave,
    WaveState,
)
from tests.publish.publications.register_steps import (
    KEY,
    MINUTE,
    REASON,
    WAVE,
    act,
    change_results,
    files,
    person,
    plan,
    publish,
    read,
    sign,
)
from tests.work_of import work_of

SECOND, THIRD = f"{WAVE}-2", f"{WAVE}-3"
DAY = timedelta(days=1)
LIFTED, HIDDEN = f"{WAVE}-320500-composite-all-score", f"{WAVE}-110000-composite-all-score"


def cells(store: Settings) -> Path:
    (path,) = store.snapshot_dir.rglob(CELLS)
    return path


def release_again(store: Settings, at: datetime, *, corrects: str = "") -> str:
    """Announce, sign and publish a further release a day after `at`."""
    key = plan(store, at=at, embargo_until=at + DAY, corrects=corrects,
               reason=REASON if corrects else "")  # fmt: skip
    sign(store, "lin", at, key)
    sign(store, "wang", at, key)
    publish(store, at=at + DAY, key=key)
    return key


def take_back(store: Settings, key: str, at: datetime) -> None:
    act(retract_publication, store, "lin", at, key=key, reason="A city was missing")


def errata(store: Settings, key: str) -> dict[str, dict[str, str]]:
    rows = csv.DictReader(io.StringIO(files(store, key)["errata.csv"].decode().partition("\n")[2]))
    return {row["id"]: row for row in rows}


@pytest.fixture
def whole(ready: Settings) -> bytes:
    """The cells of a published first release, whose correction hid one city and lifted another."""
    publish(ready)
    known = cells(ready).read_bytes()
    change_results(ready, lifted="320500", hidden="110000")
    assert release_again(ready, MINUTE, corrects=KEY) == SECOND
    assert HIDDEN.encode() not in files(ready, SECOND)["figures.csv"]
    return known


@pytest.mark.slow
def test_a_retraction_does_not_let_out_what_a_correction_hid(ready: Settings, whole: bytes) -> None:
    later = MINUTE + DAY
    cells(ready).write_bytes(whole)
    take_back(ready, SECOND, later)
    third = plan(ready, at=later, embargo_until=later + DAY)
    with pytest.raises(PublicationNotAllowedError, match=f"would show .* {SECOND} hid"):
        sign(ready, "lin", later, third)


def test_what_any_earlier_release_hid_stays_hidden(ready: Settings, whole: bytes) -> None:
    """Also what one hid that another has replaced, after that one was taken back."""
    later = MINUTE + DAY
    cells(ready).write_bytes(whole)
    change_results(ready, lifted="320500", hidden="110000")
    change_results(ready, lifted="320100", hidden="440100")
    assert release_again(ready, later, corrects=SECOND) == THIRD
    take_back(ready, THIRD, later + DAY)
    cells(ready).write_bytes(whole)
    change_results(ready, lifted="320100", hidden="440100")
    last = plan(ready, at=later + DAY, embargo_until=later + 2 * DAY)
    with pytest.raises(PublicationNotAllowedError, match=f"would show .* {SECOND} hid"):
        sign(ready, "lin", later + DAY, last)


@pytest.mark.slow
def test_a_release_after_a_retraction_names_what_changed(ready: Settings, whole: bytes) -> None:
    """The errata are from the last release that was public, with the reason of its retraction."""
    later = MINUTE + DAY
    take_back(ready, SECOND, later)
    change_results(ready, lifted="320100", hidden="110000")
    assert release_again(ready, later) == THIRD
    rows = errata(ready, THIRD)
    lifted = rows[f"{WAVE}-320100-composite-all-score"]
    assert float(lifted["estimate_after"]) == round(float(lifted["estimate_before"]) + 1, 1)
    assert lifted["reason"] == "A city was missing"
    assert (lifted["before_release"], LIFTED in rows) == (SECOND, False)


def test_a_release_after_a_retraction_shows_no_more_of_other_cities(store: Settings) -> None:
    """Nobody can tell what was hidden of cities that the earlier release left out."""
    plan(store, shown=Shown.NOTHING)
    sign(store, "lin")
    sign(store, "wang")
    publish(store)
    take_back(store, KEY, MINUTE)
    with pytest.raises(PublicationNotAllowedError, match=f"{KEY} .* shows no more"):
        plan(store, at=MINUTE, embargo_until=MINUTE + DAY)
    assert plan(store, at=MINUTE, embargo_until=MINUTE + DAY, shown=Shown.NOTHING) == SECOND


@pytest.mark.slow
def test_what_was_never_public_hides_nothing(ready: Settings) -> None:
    """A release that was taken back before its minute was read by nobody."""
    known = cells(ready).read_bytes()
    take_back(ready, KEY, MINUTE)
    change_results(ready, lifted="320500", hidden="110000")
    second = plan(ready, at=MINUTE, embargo_until=MINUTE + DAY)
    sign(ready, "lin", MINUTE, second)
    take_back(ready, second, MINUTE)
    cells(ready).write_bytes(known)
    third = release_again(ready, MINUTE)
    assert "errata.csv" not in files(ready, third)


@pytest.mark.slow
def test_what_a_correction_hides_is_named_without_its_values(ready: Settings, whole: bytes) -> None:
    known = find_figure(files(ready)["figures.csv"], HIDDEN)
    assert known is not None
    row = errata(ready, SECOND)[HIDDEN]
    assert {name for name, value in row.items() if value} == {"id", "before_release", "reason"}
    later = MINUTE + DAY
    with session_scope(ready.store_url) as session:
        stored = session.exec(
            select(PublicationErratum).where(PublicationErratum.figure == HIDDEN)
        ).one()
        assert (stored.before, stored.after) == ({}, {})
        # As an older version stored it.
        stored.before = dict(known.values)
        session.add(stored)
    with read_scope(ready.store_url) as session:
        listed = list_errata(
            work_of(session, person(ready, "city"), later, settings=ready), key=SECOND, most=10_000
        )
    assert Erratum(HIDDEN, {}, {}) in listed.errata


@pytest.mark.slow
def test_a_corrected_release_is_closed_if_the_correction_hides_figures(
    ready: Settings, whole: bytes
) -> None:
    later = MINUTE + DAY
    with pytest.raises(AccessDeniedError, match=f"{SECOND} hides figures"):
        act(open_publication, ready, "city", later)
    assert act(open_publication, ready, "city", later, key=SECOND)
    entries = select(func.count()).where(AuditEntry.action == AuditEvent.VIEW_CLOSED_RELEASE.value)
    assert read(ready, entries) == 0
    assert act(open_publication, ready, "lin", later)
    assert read(ready, entries) == 1
    with read_scope(ready.store_url) as session:
        listed = {
            each.key: (each.may_read, each.closed_by)
            for each in list_publications(work_of(session, person(ready, "city"), later))
        }
    assert listed == {KEY: (False, SECOND), SECOND: (True, "")}
    # The release that replaced it is taken back: what it hid is not open again.
    take_back(ready, SECOND, later)
    with pytest.raises(AccessDeniedError, match=f"{SECOND} hides figures"):
        act(open_publication, ready, "city", later)


@pytest.mark.slow
def test_a_corrected_release_stays_open_if_nothing_is_hidden(ready: Settings) -> None:
    publish(ready)
    change_results(ready, lifted="320500", hidden="none")
    release_again(ready, MINUTE, corrects=KEY)
    assert act(open_publication, ready, "city", MINUTE + DAY)


@pytest.mark.slow
def test_a_corrected_release_can_be_taken_back_and_the_standing_one_stays(
    ready: Settings, whole: bytes
) -> None:
    later = MINUTE + DAY
    take_back(ready, KEY, later)
    assert read(ready, select(Wave.state)) is WaveState.RELEASED
    with pytest.raises(PublicationNotAllowedError, match="does not stand"):
        take_back(ready, KEY, later)
    with read_scope(ready.store_url) as session:
        states = {
            each.key: each.state for each in list_publications(work_of(session, OPERATOR, later))
        }
        assert list_retracted(work_of(session, OPERATOR)).keys() == {KEY}
        assert list_corrected(work_of(session, OPERATOR)) == {}
    assert states == {KEY: PublicationState.RETRACTED, SECOND: PublicationState.PUBLISHED}


@pytest.mark.slow
def test_the_published_list_names_the_last_release_that_replaced_one(
    ready: Settings, whole: bytes, tmp_path: Path
) -> None:
    archive = tmp_path / "saved.zip"
    archive.write_bytes(act(open_publication, ready, "lin", MINUTE + DAY))

    def published() -> KeyList:
        with read_scope(ready.store_url) as session:
            keys = list_keys(work_of(session, OPERATOR))
            retracted = list_retracted(work_of(session, OPERATOR))
            corrected = list_corrected(work_of(session, OPERATOR))
        return parse_keys(format_key_list(keys, retracted, corrected).decode())

    assert published().corrected == {KEY: SECOND}
    take_back(ready, SECOND, MINUTE + DAY)
    assert published().corrected == {KEY: SECOND}
    assert release_again(ready, MINUTE + DAY) == THIRD
    assert (published().corrected, set(published().retracted)) == ({KEY: THIRD}, {SECOND})
    assert check_published_path(archive, published())[0].is_genuine
