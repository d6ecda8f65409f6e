"""Releases of a wave whose earlier wave is frozen again, corrected or taken back."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest

from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.release import reproduction
from survey.release.archives import read_archived_files
from survey.release.manifest import EarlierWave, PublicationManifest
from survey.release.publishing_steps import retract_publication
from survey.release.register import PublicationNotAllowedError
from survey.release.reproduction import Reproduction, reproduce_publication
from survey.release.signing_keys import add_key_to_file, register_key
from survey.release.verify import MANIFEST
from survey.results import list_waves
from survey.results.freeze import freeze_wave
from survey.settings import Settings
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, Publication, PublicationState
from tests.publish.publications.register_steps import (
    MINUTE,
    PLANNED,
    REASON,
    SIGNED,
    act,
    files,
    plan,
    publish,
    sign,
)
from tests.small_waves import KEY as EARLIER
from tests.small_waves import add_wave, small_instrument, small_tree, small_wave, store_people
from tests.work_of import work_of

LATER = "small-2027"
FIRST, CORRECTION, RELEASE = f"{EARLIER}-1", f"{EARLIER}-2", f"{LATER}-1"
CITIES = {"110000": 30, "310000": 30}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two waves of a series: the earlier one is published, the later one waits for its minute."""
    folder = tmp_path_factory.mktemp("series")
    wave = small_wave(
        folder / "data", instrument=small_instrument(few_groups=True), tree=small_tree()
    )
    later = add_wave(wave, LATER, 2027)
    for each in (wave, later):
        store_people(each, CITIES)
        freeze_wave(
            wave.settings, wave_key=each.key, actor=OPERATOR, options=FreezeOptions(final=True)
        )
    with session_scope(wave.settings.store_url) as session:
        for login in ("lin", "wang"):
            role = Role.NATIONAL_OFFICIAL
            session.add(Account(login=login, name=login.title(), role=role, area=NATION))
        key = add_key_to_file(folder / "release.key")
        register_key(work_of(session, OPERATOR, PLANNED), public_key=key.public_bytes)
    store = settings_of(folder)
    signed(store, EARLIER)
    publish(store, key=FIRST)
    signed(store, LATER, at=MINUTE)
    dispose_engines()
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Settings]:
    shutil.copytree(template, tmp_path / "copy")
    yield settings_of(tmp_path / "copy")
    dispose_engines()


def settings_of(folder: Path) -> Settings:
    return Settings(
        database_url="",
        data_dir=folder / "data",
        release_key_file=folder / "release.key",
        _env_file=None,
    )


def signed(store: Settings, wave: str, at: datetime = SIGNED, corrects: str = "") -> None:
    key = plan(
        store,
        at=at - timedelta(minutes=1),
        wave=wave,
        embargo_until=at + 2 * DAY if at > SIGNED else MINUTE,
        builders=("figures",),
        corrects=corrects,
        reason=REASON if corrects else "",
    )
    assert sign(store, "lin", at, key) is PublicationState.PLANNED
    assert sign(store, "wang", at, key) is PublicationState.SIGNED


def freeze_again(store: Settings, wave: str) -> None:
    freeze_wave(store, wave_key=wave, actor=OPERATOR, options=FreezeOptions(final=True))


def correct_earlier(store: Settings) -> None:
    freeze_again(store, EARLIER)
    signed(store, EARLIER, at=MINUTE + DAY, corrects=FIRST)
    publish(store, at=MINUTE + 3 * DAY, key=CORRECTION)


def manifest(store: Settings) -> PublicationManifest:
    return PublicationManifest.model_validate(orjson.loads(files(store, RELEASE)["release.json"]))


def reproduce(store: Settings, key: str = RELEASE) -> Reproduction:
    with read_scope(store.store_url) as session:
        return reproduce_publication(work_of(session, OPERATOR, settings=store), key=key)


def change_lines(store: Settings) -> list[str]:
    lines = files(store, RELEASE)["figures.csv"].decode().splitlines()
    return [line for line in lines if f"-change.{EARLIER}" in line]


@pytest.mark.slow
@pytest.mark.usefixtures("other_numbers")
def test_a_correction_that_nobody_sees_leaves_a_signed_release_as_it_is(store: Settings) -> None:
    freeze_again(store, EARLIER)
    (earlier,) = manifest(store).earlier
    with read_scope(store.store_url) as session:
        infos = {info.key: info for info in list_waves(store, session)}
    assert earlier.seal_sha256 == infos[EARLIER].seal_sha256 != ""
    assert change_lines(store)
    assert (reproduce(store).findings, reproduce(store).is_same_snapshot) == ((), True)
    publish(store, at=MINUTE + 2 * DAY, key=RELEASE)


@pytest.mark.slow
@pytest.mark.usefixtures("other_numbers")
def test_changes_from_figures_that_were_corrected_since_are_signed_again(store: Settings) -> None:
    old = change_lines(store)
    correct_earlier(store)
    at = MINUTE + 3 * DAY
    with pytest.raises(PublicationNotAllowedError, match="earlier wave"):
        publish(store, at=at, key=RELEASE)
    assert sign(store, "wang", at, RELEASE) is PublicationState.PLANNED
    assert sign(store, "lin", at, RELEASE) is PublicationState.SIGNED
    assert change_lines(store) != old
    assert (reproduce(store).findings, reproduce(store).is_same_snapshot) == ((), True)
    publish(store, at=at, key=RELEASE)


@pytest.mark.slow
def test_changes_from_a_wave_that_was_taken_back_are_not_published(store: Settings) -> None:
    act(retract_publication, store, "lin", MINUTE + DAY, key=FIRST, reason=REASON)
    with pytest.raises(PublicationNotAllowedError, match="earlier wave"):
        publish(store, at=MINUTE + 2 * DAY, key=RELEASE)
    assert sign(store, "wang", MINUTE + 2 * DAY, RELEASE) is PublicationState.PLANNED
    assert (manifest(store).earlier, change_lines(store)) == ((), [])


@pytest.mark.slow
@pytest.mark.parametrize("with_seal", [True, False])
@pytest.mark.usefixtures("other_numbers")
def test_an_old_release_is_built_again_after_both_waves_were_corrected(
    store: Settings, with_seal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a manifest of an older version, which names the earlier wave's responses alone."""
    publish(store, at=MINUTE + 2 * DAY, key=RELEASE)
    correct_earlier(store)
    freeze_again(store, LATER)
    if not with_seal:

        def without_seals(settings: Settings, publication: Publication) -> dict[str, bytes]:
            contents = read_archived_files(settings, publication)
            known = PublicationManifest.model_validate_json(contents[MANIFEST])
            earlier = tuple(each.model_copy(update={"seal_sha256": ""}) for each in known.earlier)
            older = known.model_copy(update={"earlier": earlier})
            return {**contents, MANIFEST: older.model_dump_json().encode()}

        monkeypatch.setattr(reproduction, "read_archived_files", without_seals)
    whole = reproduce(store)
    assert (whole.findings, whole.is_same_snapshot) == ((), True)
    assert "figures.csv" in whole.same
    assert reproduce(store, FIRST).findings == reproduce(store, CORRECTION).findings == ()


def test_manifests_without_the_seal_of_an_earlier_wave_are_read() -> None:
    old = EarlierWave.model_validate({"wave": EARLIER, "snapshot_sha256": "0" * 64})
    assert old.seal_sha256 == ""
