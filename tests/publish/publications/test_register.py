"""The register of releases: two people, the announced minute, and what readers may take."""

import csv
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from zipfile import ZipFile

import orjson
import pytest
from PIL import Image
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from survey.access.principal import OPERATOR, AccessDeniedError
from survey.frame.city_frame import build_frame_table, shipped_cities
from survey.locale import SurveyError
from survey.release import publication_files
from survey.release.archives import check_published_path
from survey.release.early_readers import (
    add_early_reader,
    list_early_readers,
    open_publication,
    remove_early_reader,
)
from survey.release.figure_history import list_errata, list_figure_history
from survey.release.figures import RELEASED_COLUMNS, find_figure
from survey.release.publishing_steps import list_retracted, publish_publication, retract_publication
from survey.release.register import PublicationNotAllowedError, list_publications, propose_publisher
from survey.release.reproduction import reproduce_publication
from survey.release.signatures import sign_publication
from survey.release.signing_keys import (
    SigningKeyError,
    add_key_to_file,
    format_key_list,
    list_keys,
    register_key,
    withdraw_key,
)
from survey.release.verify import parse_keys
from survey.results import list_waves
from survey.results.release import release_wave, revoke_release
from survey.settings import Settings
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Publication,
    PublicationState,
    Shown,
    Wave,
    WaveAct,
    WaveState,
    table_of,
)
from survey.waves.planning.wave_requests import find_open_request, request_act
from tests.error_codes import raises_code
from tests.publish.publications.register_steps import (
    KEY,
    MINUTE,
    PLANNED,
    REASON,
    SIGNED,
    WAVE,
    act,
    change_results,
    files,
    freeze_again,
    person,
    plan,
    publish,
    published,
    read,
    shown_score,
    sign,
)
from tests.work_of import ONE_PERSON, work_of


def test_from_the_calendar_to_a_zip_that_a_stranger_verifies(
    ready: Settings, tmp_path: Path
) -> None:
    publish(ready)
    assert read(ready, select(Wave.state)) is WaveState.RELEASED
    data = act(open_publication, ready, "city", MINUTE)
    archive = tmp_path / "release.zip"
    archive.write_bytes(data)
    with read_scope(ready.store_url) as session:
        keys = list_keys(work_of(session, OPERATOR))
        published_keys = parse_keys(format_key_list(keys, {}, {}).decode())
    result, _ = check_published_path(archive, published_keys)
    assert (result.findings, result.manifest["id"]) == ([], KEY)
    manifest = orjson.loads(files(ready)["release.json"])
    assert {entry["path"] for entry in manifest["files"]} >= {
        "figures.csv", "verify.py", "tables/city.zh.csv",
    }  # fmt: skip


def test_each_figure_has_one_readable_id(ready: Settings) -> None:
    publish(ready)
    data = files(ready)["figures.csv"]
    head, *rows = csv.reader(data.decode().splitlines())
    assert tuple(head) == RELEASED_COLUMNS
    figures = [dict(zip(head, row, strict=True)) for row in rows]
    assert len({figure["id"] for figure in figures}) == len(figures) > 1000
    for figure_id in ("320500-composite-all-score", "CN-1.1-gender_female-score"):
        figure = find_figure(data, f"{WAVE}-{figure_id}")
        assert figure is not None
        assert figure.measure == "score"
    kinds = {figure["measure"] for figure in figures}
    assert kinds >= {"score", "share", "rank", "gap.nation", "gap.rest"}


def test_the_same_person_never_signs_twice(store: Settings) -> None:
    plan(store)
    sign(store, "lin")
    with pytest.raises(PublicationNotAllowedError, match="yourself"):
        sign(store, "lin")
    with pytest.raises(PublicationNotAllowedError, match="not signed"):
        publish(store)
    assert sign(store, "wang") is PublicationState.SIGNED
    for who in ("lin", "wang"):
        with pytest.raises(PublicationNotAllowedError, match="signed"):
            sign(store, who)


def test_the_database_refuses_what_the_service_refuses(ready: Settings) -> None:
    changes: list[dict[str, Any]] = [
        {"second_signed_by": person(ready, "lin").account_id},
        {"published_at": MINUTE - timedelta(seconds=1)},
        {"second_signed_at": None, "published_at": MINUTE},
    ]
    for values in changes:
        with pytest.raises(IntegrityError), session_scope(ready.store_url) as session:
            session.connection().execute(update(table_of(Publication)).values(**values))


@pytest.mark.parametrize("early", [timedelta(microseconds=1), timedelta(hours=1)])
def test_nothing_is_published_before_its_minute(ready: Settings, early: timedelta) -> None:
    with pytest.raises(PublicationNotAllowedError, match="announced"):
        publish(ready, at=MINUTE - early)
    for who in ("city", "typist"):
        with pytest.raises(AccessDeniedError):
            act(open_publication, ready, who, MINUTE - early)
    # Nor after it, as long as nobody has published.
    with pytest.raises(AccessDeniedError):
        act(open_publication, ready, "city", MINUTE)
    publish(ready)
    with pytest.raises(PublicationNotAllowedError, match="before"):
        publish(ready, at=MINUTE + timedelta(minutes=1))


def test_the_old_way_cannot_lift_the_embargo_of_an_announced_wave(store: Settings) -> None:
    plan(store)
    with raises_code("not_releasable", match=KEY), session_scope(store.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, MINUTE, settings=ONE_PERSON),
            wave_key=WAVE,
            shown=Shown.SCORES,
        )
    assert read(store, select(Wave.state)) is WaveState.FROZEN


def test_a_clock_that_goes_back_stops_every_step_but_taking_back(store: Settings) -> None:
    plan(store)
    with pytest.raises(PublicationNotAllowedError, match="clock"):
        sign(store, "lin", PLANNED - timedelta(seconds=1))
    sign(store, "lin")
    with pytest.raises(PublicationNotAllowedError, match="clock"):
        sign(store, "wang", PLANNED)
    sign(store, "wang")
    publish(store)
    # A reader whose server lives before the minute gets nothing.
    with pytest.raises(AccessDeniedError):
        act(open_publication, store, "city", MINUTE - timedelta(days=1))
    # Published by a clock that was ahead, it would stay public until then.
    act(retract_publication, store, "lin", MINUTE - timedelta(days=1), reason=REASON)
    row = read(store, select(Publication))
    assert (row.state, row.retracted_at) == (PublicationState.RETRACTED, row.published_at)
    assert read(store, select(Wave.state)) is WaveState.FROZEN


def test_an_early_reader_opens_from_the_hour_and_is_entered(ready: Settings) -> None:
    opens = MINUTE - timedelta(hours=2)
    act(add_early_reader, ready, "lin", SIGNED, login="city", reason="Prepares", opens_at=opens)
    with pytest.raises(PublicationNotAllowedError, match="already"):
        act(add_early_reader, ready, "lin", SIGNED, login="city", reason="Again!", opens_at=opens)
    with pytest.raises(PublicationNotAllowedError, match="cannot read"):
        act(
            add_early_reader,
            ready,
            "lin",
            SIGNED,
            login="typist",
            reason="Types it",
            opens_at=opens,
        )
    with pytest.raises(AccessDeniedError):
        act(open_publication, ready, "city", opens - timedelta(seconds=1))
    assert act(open_publication, ready, "city", opens)
    actions = select(AuditEntry.action).where(AuditEntry.action == "view.early_release")
    assert read(ready, actions) == "view.early_release"
    act(remove_early_reader, ready, "wang", opens, login="city")
    with pytest.raises(AccessDeniedError):
        act(open_publication, ready, "city", opens)
    with read_scope(ready.store_url) as session:
        assert not list_early_readers(work_of(session, OPERATOR), key=KEY)
        with pytest.raises(AccessDeniedError):
            list_early_readers(work_of(session, person(ready, "city")), key=KEY)


def test_who_may_not_release_can_do_no_step(ready: Settings) -> None:
    for who in ("city", "typist"):
        with pytest.raises(AccessDeniedError):
            plan(ready, who)
        for step, rest in (
            (sign_publication, {}),
            (publish_publication, {}),
            (retract_publication, {"reason": REASON}),
            (add_early_reader, {"login": who, "reason": REASON, "opens_at": PLANNED}),
        ):
            with pytest.raises(AccessDeniedError):
                act(step, ready, who, MINUTE, **rest)


@pytest.mark.parametrize(("shown", "places"), [(Shown.NOTHING, None), (Shown.NAMES, 10)])
def test_a_release_holds_no_more_than_its_most_public_reader_sees(
    store: Settings, shown: Shown, places: int | None
) -> None:
    published(store, shown=shown, first_places=places)
    rows = [line.split(",") for line in files(store)["figures.csv"].decode().splitlines()[1:]]
    levels = {row[2] for row in rows}
    assert "nation" in levels
    assert "city" not in levels
    # A province with one city in the survey is that city.
    frame = build_frame_table(shipped_cities())
    provinces = [row[3] for row in rows if row[2] == "province"]
    cities = frame["province_code"].astype(str).value_counts()
    assert provinces
    assert min(cities[code] for code in provinces) > 1
    city_table = files(store)["tables/city.en.csv"].decode().splitlines()
    assert not [line for line in city_table if "Suzhou" in line]


def test_a_retracted_release_is_closed_and_the_published_list_says_so(
    ready: Settings, tmp_path: Path
) -> None:
    publish(ready)
    later = MINUTE + timedelta(hours=1)
    with pytest.raises(PublicationNotAllowedError, match="few words"):
        act(retract_publication, ready, "lin", later, reason=" x ")
    act(retract_publication, ready, "lin", later, reason=REASON)
    assert read(ready, select(Wave.state)) is WaveState.FROZEN
    with pytest.raises(AccessDeniedError):
        act(open_publication, ready, "city", later)
    archive = tmp_path / "saved.zip"
    archive.write_bytes(act(open_publication, ready, "lin", later))
    with read_scope(ready.store_url) as session:
        retracted = list_retracted(work_of(session, OPERATOR))
        keys = list_keys(work_of(session, OPERATOR))
    published_keys = parse_keys(format_key_list(keys, retracted, {}).decode())
    result, _ = check_published_path(archive, published_keys)
    assert [finding.problem for finding in result.findings] == ["retracted"]
    for step, rest in ((publish_publication, {}), (retract_publication, {"reason": REASON})):
        with pytest.raises(PublicationNotAllowedError):
            act(step, ready, "wang", later, **rest)


def test_a_correction_keeps_before_and_after_and_never_edits(ready: Settings) -> None:
    publish(ready)
    before = files(ready)
    later = MINUTE + timedelta(days=1)
    with pytest.raises(PublicationNotAllowedError, match="correction"):
        plan(ready, at=MINUTE, embargo_until=later)
    again = plan(ready, at=MINUTE, embargo_until=later, corrects=KEY, reason=REASON)
    assert again == "main-2024-2"
    change_results(ready, lifted="320500", hidden="110000")
    sign(ready, "lin", MINUTE, again)
    sign(ready, "wang", MINUTE, again)
    publish(ready, at=later, key=again)
    assert "errata.csv" in files(ready, again)
    assert files(ready) == before
    with read_scope(ready.store_url) as session:
        states = {
            each.key: each.state for each in list_publications(work_of(session, OPERATOR, later))
        }
        assert states == {KEY: PublicationState.CORRECTED, again: PublicationState.PUBLISHED}
        history = list_figure_history(
            work_of(session, person(ready, "city"), later, settings=ready),
            figure=f"{WAVE}-320500-composite-all-score",
        )
        gone = list_figure_history(
            work_of(session, person(ready, "city"), later, settings=ready),
            figure=f"{WAVE}-110000-composite-all-score",
        )
    assert [version.release for version in history.versions] == [KEY, again]
    first, corrected = (version.values for version in history.versions)
    assert float(corrected["estimate"]) == round(float(first["estimate"]) + 1, 1)
    assert (first["n"], history.versions[1].reason) == (corrected["n"], REASON)
    assert [(version.values, version.is_hidden) for version in gone.versions] == [
        ({}, False), ({}, True),
    ]  # fmt: skip
    with read_scope(ready.store_url) as session:
        told = list_errata(
            work_of(session, person(ready, "city"), later, settings=ready), key=again, most=10_000
        )
        with pytest.raises(AccessDeniedError):
            list_errata(
                work_of(session, person(ready, "city"), MINUTE, settings=ready), key=again, most=1
            )
        few = list_errata(work_of(session, OPERATOR, later, settings=ready), key=again, most=3)
    assert told.count == len(told.errata) > 3
    assert told.summary is not None
    # The results of this store were never sealed: nobody knows the verdicts of the first release.
    assert (told.summary.figures, told.summary.verdicts) == (told.count, None)
    assert (told.summary.headline_scores, told.summary.largest_change) == (2, "+1.0")
    assert told.summary.hidden == sum(erratum.is_hidden for erratum in told.errata) > 0
    by_id = {erratum.figure: erratum for erratum in told.errata}
    assert (len(few.errata), few.count) == (3, told.count)
    assert all(by_id[erratum.figure] == erratum for erratum in few.errata)
    # Readers find their own city first, and whoever has none the scores.
    assert told.errata[0].figure == f"{WAVE}-320500-composite-all-score"
    own = [f"{WAVE}-320500-" in erratum.figure for erratum in told.errata]
    assert own[1]
    assert not own[-1]
    assert few.errata[0].figure == f"{WAVE}-110000-composite-all-score"
    assert by_id[f"{WAVE}-320500-composite-all-score"].before == first
    assert by_id[f"{WAVE}-320500-composite-all-score"].after == corrected
    assert by_id[f"{WAVE}-110000-composite-all-score"].is_hidden


def test_results_frozen_again_come_with_their_correction(ready: Settings) -> None:
    """Pages show the figures of the release that stands until the correction is published."""
    publish(ready)
    later = MINUTE + timedelta(days=1)
    freeze_again(ready, lifted="320500", hidden="110000")
    assert shown_score(ready) == pytest.approx(shown_score(ready, newest=True) - 1)
    again = plan(ready, at=MINUTE, embargo_until=later, corrects=KEY, reason=REASON)
    sign(ready, "lin", MINUTE, again)
    sign(ready, "wang", MINUTE, again)
    before = shown_score(ready)
    with read_scope(ready.store_url) as session:
        (info,) = [wave for wave in list_waves(ready, session) if wave.key == WAVE]
    publish(ready, at=later, key=again)
    assert shown_score(ready) == shown_score(ready, newest=True) == pytest.approx(before + 1)
    with read_scope(ready.store_url) as session:
        (corrected,) = [wave for wave in list_waves(ready, session) if wave.key == WAVE]
        assert corrected.snapshot_sha256 == info.snapshot_sha256
        assert corrected.seal_sha256 != info.seal_sha256, "no page shows what it kept of the old"
        for key in (KEY, again):
            whole = reproduce_publication(work_of(session, OPERATOR, settings=ready), key=key)
            assert (whole.findings, whole.is_same_snapshot) == ((), True), key


def test_a_wave_is_opened_and_closed_by_the_register_alone_while_its_release_stands(
    ready: Settings,
) -> None:
    """Else readers see one snapshot and the trail names another, or the files stay open."""
    publish(ready)
    freeze_again(ready, lifted="320500", hidden="110000")

    def revoke() -> None:
        with session_scope(ready.store_url) as session:
            revoke_release(work_of(session, OPERATOR, MINUTE), wave_key=WAVE, reason=REASON)

    with raises_code("not_releasable", match=f"{KEY} of this wave stands in the register"):
        revoke()
    assert shown_score(ready) != shown_score(ready, newest=True), "it is released as before"
    with session_scope(ready.store_url) as session:  # As stores are that did so once.
        session.connection().execute(
            update(table_of(Wave)).where(col(Wave.key) == WAVE).values(state=WaveState.FROZEN)
        )
    with (
        raises_code("not_releasable", match="stands in the register"),
        session_scope(ready.store_url) as session,
    ):
        release_wave(
            work_of(session, OPERATOR, MINUTE, settings=ONE_PERSON),
            wave_key=WAVE,
            shown=Shown.SCORES,
        )
    with pytest.raises(AccessDeniedError):
        act(open_publication, ready, "city", MINUTE)
    act(retract_publication, ready, "wang", MINUTE, reason=REASON)
    assert shown_score(ready) == shown_score(ready, newest=True), "nothing is released any more"


def test_taking_a_release_back_ends_the_request_to_freeze_its_wave_again(ready: Settings) -> None:
    """It has to be quick, and the request comes just when an error was found."""
    publish(ready)
    with session_scope(ready.store_url) as session:
        request_act(
            work_of(session, OPERATOR, MINUTE),
            key=WAVE,
            act=WaveAct.FREEZE,
            options=FreezeOptions(without_point=WithoutPoint.REFUSE).as_request(),
        )
    act(retract_publication, ready, "lin", MINUTE, reason=REASON)
    assert read(ready, select(Wave.state)) is WaveState.FROZEN
    with read_scope(ready.store_url) as session:
        assert find_open_request(work_of(session, OPERATOR), key=WAVE) is None
        assert "wave.request_withdrawn" in session.exec(select(AuditEntry.action)).all()


def test_a_correction_shows_nothing_that_was_hidden(
    ready: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ready)
    later = MINUTE + timedelta(days=1)
    again = plan(ready, at=MINUTE, embargo_until=later, corrects=KEY, reason=REASON)
    figures = files(ready)["figures.csv"].splitlines(keepends=True)
    fewer = b"".join(line for line in figures if b"-320500-" not in line)
    monkeypatch.setattr(publication_files, "read_archived_file", Mock(return_value=fewer))
    with pytest.raises(PublicationNotAllowedError, match="would show"):
        sign(ready, "lin", MINUTE, again)


def test_results_that_were_computed_again_are_signed_again(ready: Settings) -> None:
    seal = read(ready, select(Publication.seal_sha256))
    with session_scope(ready.store_url) as session:
        session.connection().execute(update(table_of(Publication)).values(seal_sha256="f" * 64))
    with pytest.raises(PublicationNotAllowedError, match="again"):
        publish(ready)
    assert sign(ready, "wang", SIGNED) is PublicationState.PLANNED
    assert read(ready, select(Publication.seal_sha256)) == seal
    with pytest.raises(PublicationNotAllowedError, match="yourself"):
        sign(ready, "wang", SIGNED)


def test_every_file_is_built_again_byte_for_byte_and_a_difference_is_named(ready: Settings) -> None:
    publish(ready)
    with read_scope(ready.store_url) as session:
        whole = reproduce_publication(work_of(session, OPERATOR, settings=ready), key=KEY)
    assert (whole.findings, whole.software, whole.is_same_snapshot) == ((), "", True)
    assert len(whole.same) > 10
    with session_scope(ready.store_url) as session:
        session.connection().execute(update(table_of(Publication)).values(contact="Wang, 1"))
    with read_scope(ready.store_url) as session:
        other = reproduce_publication(work_of(session, OPERATOR, settings=ready), key=KEY)
        with pytest.raises(AccessDeniedError):
            reproduce_publication(work_of(session, person(ready, "city"), settings=ready), key=KEY)
    assert {finding.problem for finding in other.findings} == {"changed"}
    assert all(finding.file.startswith("tables/") for finding in other.findings)


def test_changed_archives_are_given_to_nobody(ready: Settings) -> None:
    publish(ready)
    (archive,) = [
        path for path in ready.release_dir.glob("*.zip")
        if "release.sig" in ZipFile(path).namelist()
    ]  # fmt: skip
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(SurveyError, match="changed"):
        act(open_publication, ready, "city", MINUTE)


def test_without_a_key_nothing_is_signed_and_a_withdrawn_one_is_replaced(store: Settings) -> None:
    plan(store)
    sign(store, "lin")
    keyless = store.model_copy(update={"release_key_file": None})
    with pytest.raises(SigningKeyError):
        act(sign_publication, keyless, "wang", SIGNED)
    sign(store, "wang")
    publish(store)
    old = read(store, select(Publication.key_id))
    manifest = files(store)["release.json"]
    with session_scope(store.store_url) as session:
        withdraw_key(work_of(session, OPERATOR, MINUTE), key_id=old, reason="Laptop stolen")
    with pytest.raises(SigningKeyError):
        sign(store, "lin", MINUTE)
    assert store.release_key_file is not None
    newer = add_key_to_file(store.release_key_file)
    with session_scope(store.store_url) as session:
        register_key(work_of(session, OPERATOR, MINUTE), public_key=newer.public_bytes)
    assert sign(store, "lin", MINUTE) is PublicationState.PUBLISHED
    assert files(store)["release.json"] == manifest
    assert orjson.loads(files(store)["release.sig"])["key_id"] == newer.id


def test_a_demonstration_is_signed_by_its_own_key_alone(store: Settings) -> None:
    with session_scope(store.store_url) as session:
        session.connection().execute(update(table_of(Wave)).values(is_demo=True))
    plan(store)
    assert sign(store, "lin") is PublicationState.SIGNED
    content = files(store)
    assert orjson.loads(content["release.json"])["demo"] is True
    assert orjson.loads(content["release.sig"])["key_id"] == read(store, select(Publication.key_id))
    assert (store.data_dir / "release-demo.key").exists()
    assert "演示数据" in content["tables/nation.zh.csv"].decode()
    assert content["figures.csv"].decode().splitlines()[1].endswith(",demonstration")


def test_a_withdrawn_key_of_demonstrations_signs_nothing_again(store: Settings) -> None:
    with session_scope(store.store_url) as session:
        session.connection().execute(update(table_of(Wave)).values(is_demo=True))
    plan(store)
    sign(store, "lin")
    old = read(store, select(Publication.key_id))
    with session_scope(store.store_url) as session:
        withdraw_key(work_of(session, OPERATOR, SIGNED), key_id=old, reason="It was copied")
    with pytest.raises(SigningKeyError):
        publish(store)
    assert sign(store, "lin") is PublicationState.SIGNED
    newer = read(store, select(Publication.key_id))
    assert newer != old
    assert orjson.loads(files(store)["release.sig"])["key_id"] == newer
    publish(store)
    with read_scope(store.store_url) as session:
        keys = {key.id: key for key in list_keys(work_of(session, OPERATOR))}
    assert keys[newer].is_demo
    assert keys[old].withdrawn_at == SIGNED


def test_the_calendar_hides_what_is_real_from_a_demonstration_account(store: Settings) -> None:
    plan(store)
    visitor = replace(person(store, "city"), is_demo=True)
    with read_scope(store.store_url) as session:
        assert list_publications(work_of(session, visitor, PLANNED)) == []
        (listed,) = list_publications(work_of(session, person(store, "city"), PLANNED))
        with pytest.raises(AccessDeniedError):
            list_publications(work_of(session, person(store, "typist"), PLANNED))
    assert (listed.key, listed.may_read, listed.first_signed_by) == (KEY, False, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"embargo_until": PLANNED},
        {"contact": " "},
        {"title_zh": ""},
        {"builders": ("tables",)},
        {"builders": ("figures", "../x")},
        {"shown": Shown.NAMES},
        {"first_places": 10},
        {"corrects": "main-2024-9", "reason": REASON},
        {"wave": "nothing"},
    ],
)
def test_odd_drafts_are_refused(store: Settings, changes: dict[str, Any]) -> None:
    with pytest.raises(SurveyError):
        plan(store, **changes)


def test_issuer_and_logo_are_kept_and_proposed_for_the_next_release(store: Settings) -> None:
    buffer = BytesIO()
    Image.new("RGBA", (300, 100), (190, 60, 50, 128)).save(buffer, "PNG")
    plan(store, issuer=" 中国消费者协会 ", logo=buffer.getvalue())
    with read_scope(store.store_url) as session:
        publication = session.exec(select(Publication)).one()
        known = propose_publisher(work_of(session, person(store, "lin"), PLANNED))
        with pytest.raises(AccessDeniedError):
            propose_publisher(work_of(session, person(store, "city"), PLANNED))
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "release.planned")).one()
    assert (known.organisation, known.contact) == ("中国消费者协会", "Lin, 010-0000")
    picture = Image.open(BytesIO(known.logo))
    assert (picture.format, picture.size) == ("JPEG", (300, 100))
    assert picture.getpixel((5, 5)) > (200, 130, 120), "half transparent red on white"
    assert publication.logo_sha256 == sha256(known.logo).hexdigest() == entry.detail["logo"]
    assert entry.detail["issuer"] == "中国消费者协会"


def test_a_logo_that_is_no_picture_announces_nothing(store: Settings) -> None:
    with pytest.raises(PublicationNotAllowedError, match="no picture"):
        plan(store, logo=b"<svg/>")
    with read_scope(store.store_url) as session:
        assert session.exec(select(Publication)).all() == []


def test_one_release_of_a_wave_is_announced_at_a_time(store: Settings) -> None:
    plan(store)
    with pytest.raises(PublicationNotAllowedError, match="announced already"):
        plan(store, "wang")


def _entries(session: Session) -> list[str]:
    query = select(AuditEntry.action).where(col(AuditEntry.action).startswith("release."))
    return list(session.exec(query))


def test_every_step_is_in_the_trail(ready: Settings) -> None:
    publish(ready)
    act(retract_publication, ready, "lin", MINUTE, reason=REASON)
    with read_scope(ready.store_url) as session:
        kept = _entries(session)
    for action in ("planned", "signed", "published", "retracted"):
        assert f"release.{action}" in kept


def test_the_archive_is_the_same_whenever_it_is_written(ready: Settings) -> None:
    publish(ready)
    data = act(open_publication, ready, "city", MINUTE)
    with ZipFile(BytesIO(data)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2096, 12, 1, 2, 0, 0)}
