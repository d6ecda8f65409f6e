"""Snapshots that are newest or that readers see, whether they are current, and their rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import pandas as pd
from sqlmodel import Session, col, func, select

from survey.locale import RefusedError, SurveyError, msg
from survey.results.analysis import require_points
from survey.results.table_cache import read_method
from survey.results.weighting import require_all_weights
from survey.settings import Settings
from survey.snapshots.response_files import is_response_file
from survey.snapshots.response_frame import (
    FREEZABLE,
    GIVEN_WEIGHT,
    CityResponses,
    CountedResponses,
    count_responses,
    response_fingerprint,
    response_frame,
)
from survey.snapshots.seals import Seals, find_seals, open_seals, read_sealed
from survey.snapshots.snapshot_files import MANIFEST, SnapshotDamagedError, WithoutPoint
from survey.store.engine import expect_every_row
from survey.store.tables import (
    ModeExperiment,
    Publication,
    PublicationState,
    Snapshot,
    Status,
    Wave,
    WaveState,
)
from survey.waves.instruments import load_instrument
from survey.waves.overlap import find_overlap
from survey.waves.planning.wave_editing import left_out_codes
from survey.waves.waves import COMPUTED_STATES


@dataclass(frozen=True)
class ResponseSource:
    """Responses of a wave with counts by city; `read` returns the rows of given cities."""

    cities: Sequence[CityResponses]
    read: Callable[[Collection[str]], pd.DataFrame]
    fingerprint: Callable[[Collection[str]], str] | None = None
    """Hash of all that `read` would return of some cities; None for rows in memory."""
    earlier: "ResponseSource | None" = None
    """Interviews of the overlap with the earlier questionnaire; None without one."""

    @property
    def rows(self) -> int:
        return sum(city.rows for city in self.cities)

    @property
    def rows_of_city(self) -> Mapping[str, int]:
        return {city.city_code: city.rows for city in self.cities}

    @property
    def have_weights(self) -> bool:
        """Whether interviews came with weights of their own."""
        return any(city.with_weight for city in self.cities)

    def require_freezable(self, wave: Wave, without_point: WithoutPoint) -> None:
        """Raise `RefusedError` if counts show missing responses, points or weights.

        Raises:
            RefusedError: there is none.
            RefusedError: some lack a sampling point, and `without_point` refuses them.
            RefusedError: some came with a weight and others without.
        """
        if not self.rows:
            raise RefusedError(
                "nothing_to_freeze",
                msg("The wave {wave} has no approved response to freeze.", wave=wave.key),
            )
        if any(city.with_point for city in self.cities):
            missing = {city.city_code: city.rows - city.with_point for city in self.cities}
            require_points(missing, without_point)
        if self.have_weights:
            require_all_weights(
                {city.city_code: city.rows - city.with_weight for city in self.cities}
            )


def open_stored_responses(session: Session, wave: Wave) -> ResponseSource:
    """Return a reader of the stored responses that a freeze counts, without left-out cities."""
    expect_every_row(session)
    # Of a frozen wave those that were frozen before.
    statuses = (Status.FROZEN,) if wave.state in COMPUTED_STATES else FREEZABLE
    left_out = left_out_codes(session=session, wave_id=wave.id)
    counted = CountedResponses(wave.id, statuses, left_out)
    overlap = find_overlap(session=session, wave_id=wave.id)
    with_offers = session.get(ModeExperiment, wave.id) is not None
    if overlap is None:
        return _open_counted(session, counted, wave.instrument_id, with_offers=with_offers)
    later, earlier = (
        _open_counted(
            session, replace(counted, instrument_id=asked), asked, with_offers=with_offers
        )
        for asked in (wave.instrument_id, overlap.instrument_id)
    )
    return replace(later, earlier=earlier)


def _open_counted(
    session: Session, counted: CountedResponses, instrument_id: UUID, *, with_offers: bool
) -> ResponseSource:
    """Return a reader of the `counted` responses, read as answers of one questionnaire."""
    instrument = load_instrument(session=session, instrument_id=instrument_id)
    counts = count_responses(session, counted)
    with_weights = any(city.with_weight for city in counts)

    def read(cities: Collection[str]) -> pd.DataFrame:
        return response_frame(
            session,
            instrument,
            counted,
            cities=cities,
            with_weights=with_weights,
            with_offers=with_offers,
        )

    def fingerprint(cities: Collection[str]) -> str:
        stored = response_fingerprint(session, counted, cities)
        form = f"{instrument.sha256} {with_weights} {version('hundred-cities-survey')}"
        return f"{stored} {form}"

    return ResponseSource(counts, read, fingerprint)


def open_loaded_responses(frame: pd.DataFrame) -> ResponseSource:
    """Return a source of responses in memory, from a table of `response_frame`."""
    city = frame["city_code"].astype(str)
    weight = frame[GIVEN_WEIGHT] if GIVEN_WEIGHT in frame else pd.Series(index=frame.index)
    known = pd.DataFrame({"point": frame["psu"].notna(), "weight": weight.notna()})
    counts = tuple(
        CityResponses(str(code), len(own), int(own["point"].sum()), int(own["weight"].sum()))
        for code, own in known.groupby(city, sort=True)
    )

    def read(cities: Collection[str]) -> pd.DataFrame:
        rows: pd.DataFrame = frame[city.isin(cities)].reset_index(drop=True)
        return rows

    return ResponseSource(counts, read)


CELLS = "cells.parquet"
GAPS = "gaps.parquet"
SMALL_AREAS = "small_areas.parquet"
DRIVERS = "drivers.parquet"
RANKS = "ranks.parquet"
RANK_PAIRS = "rank_pairs.parquet"
HEADLINES = "headlines.parquet"
METHOD = "method.json"


class SnapshotNotFoundError(SurveyError):
    """Raised when a wave has no snapshot."""

    code = "nothing_frozen"


def changes_file(other: str, directory: str) -> str:
    """Return the name of the file of changes from or to the snapshot `directory` of wave `other`.

    The folder names that snapshot: the same responses frozen again have the same hash. The first
    folder of a hash has it as its name, so files that an older version named by it are found.
    """
    return f"changes-{other}-{Path(directory).name}.parquet"


def list_changes_paths(before: Path, after: Path) -> tuple[Path, Path]:
    """Return both possible paths of two snapshots' changes: in the `after` folder, in `before`.

    It is in one of the two folders, that of the results that were frozen last: what a correction
    changes is written into no folder that readers see already.
    """
    return (
        after / changes_file(before.parent.name, before.name),
        before / changes_file(after.parent.name, after.name),
    )


def list_newest_snapshots(
    session: Session, series: str | None = None
) -> list[tuple[Wave, Snapshot]]:
    """Return frozen waves (of `series`, if given) with their newest snapshots, oldest first."""
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .order_by(col(Wave.year), col(Wave.key), col(Snapshot.created_at))
    )
    if series is not None:
        query = query.where(Wave.series == series)
    return list({wave.key: (wave, snapshot) for wave, snapshot in session.exec(query)}.values())


def count_snapshots(session: Session) -> int:
    """Return how many snapshots there are of all waves: one more after every freeze."""
    return session.exec(select(func.count()).select_from(Snapshot)).one()


def get_newest_snapshot(session: Session, wave_key: str) -> tuple[Wave, Snapshot]:
    """Return a wave and its newest snapshot, provisional ones included.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot, or there is no such wave.
    """
    query = (
        select(Wave, Snapshot)
        .join(Snapshot, col(Snapshot.wave_id) == col(Wave.id))
        .where(Wave.key == wave_key)
        .order_by(col(Snapshot.created_at).desc())
    )
    newest = session.exec(query).first()
    if newest is None:
        raise SnapshotNotFoundError(
            msg(
                "The wave {wave} has not been frozen yet, so there is nothing to show.",
                wave=wave_key,
            )
        )
    return newest


def list_shown_snapshots(
    session: Session, series: str | None = None
) -> list[tuple[Wave, Snapshot]]:
    """Return frozen waves (of `series`, if given) with the snapshots readers see, oldest first.

    It is that of the release that stands at the register: results that were frozen again since come
    with their correction, at its announced minute. Elsewhere it is the newest.
    """
    published = _find_published_snapshots(session)
    return [
        (wave, published.get(wave.id, snapshot))
        for wave, snapshot in list_newest_snapshots(session, series)
    ]


def get_shown_snapshot(session: Session, wave_key: str) -> tuple[Wave, Snapshot]:
    """Return a wave and the snapshot of it that readers see, as `list_shown_snapshots` does.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot, or there is no such wave.
    """
    wave, newest = get_newest_snapshot(session, wave_key)
    return wave, _find_published_snapshots(session).get(wave.id, newest)


def list_published_snapshots(session: Session) -> Sequence[tuple[Publication, Snapshot]]:
    """Return the published releases of released waves, sorted by key, each with its snapshot."""
    query = (
        select(Publication, Snapshot)
        .join(Snapshot, col(Snapshot.id) == col(Publication.snapshot_id))
        .join(Wave, col(Wave.id) == col(Publication.wave_id))
        .where(Publication.state == PublicationState.PUBLISHED, Wave.state == WaveState.RELEASED)
        .order_by(col(Publication.key))
    )
    return session.exec(query).all()


def _find_published_snapshots(session: Session) -> dict[UUID, Snapshot]:
    """Return wave id -> snapshot of the wave's published release, for released waves."""
    return {release.wave_id: snapshot for release, snapshot in list_published_snapshots(session)}


def get_current_snapshots(session: Session, wave_key: str) -> tuple[Wave, list[Snapshot]]:
    """Return a wave with its newest snapshot and, if that is another one, the one readers see.

    Raises:
        SnapshotNotFoundError: the wave has no snapshot, or there is no such wave.
    """
    wave, newest = get_newest_snapshot(session, wave_key)
    _, shown = get_shown_snapshot(session, wave_key)
    return wave, [newest, *([] if shown.directory == newest.directory else [shown])]


def list_current_snapshots(
    session: Session, series: str | None = None
) -> list[tuple[Wave, Snapshot]]:
    """Return frozen waves (of `series`, if given) with the newest and any other shown snapshot.

    No other one is ever seen again: a correction and a retraction both lead to the newest.
    """
    published = _find_published_snapshots(session)
    pairs = []
    for wave, newest in list_newest_snapshots(session, series):
        shown = published.get(wave.id, newest)
        pairs += [(wave, newest), *([] if shown.directory == newest.directory else [(wave, shown)])]
    return pairs


def outdated_waves(settings: Settings, session: Session) -> list[str]:
    """Return keys of waves whose tables are missing, altered, or of another format version."""
    outdated = (
        wave.key
        for wave, snapshot in list_current_snapshots(session)
        if not _is_current(settings, session, snapshot.directory)
    )
    return list(dict.fromkeys(outdated))


def find_altered_tables(settings: Settings, session: Session, directory: str) -> tuple[str, ...]:
    """Return names of files in folder `directory`, computed ones, of another hash than recorded.

    Such a file was changed by something other than this software. Files of an older version fit
    their seals, and missing files and unsealed snapshots have nothing to compare.
    """
    seals = find_seals(session, directory) or {}
    folder = settings.snapshot_dir / directory
    computed = sorted(name for name in seals if name != MANIFEST and not is_response_file(name))
    return tuple(name for name in computed if _is_altered(folder / name, seals))


def _is_altered(path: Path, seals: Seals) -> bool:
    if not path.exists():
        return False
    try:
        read_sealed(path, seals)
    except SnapshotDamagedError:
        return True
    return False


def _is_current(settings: Settings, session: Session, directory: str) -> bool:
    try:
        read_method(open_seals(settings, session, directory).folder / METHOD)
    except SnapshotDamagedError:
        return False
    return True
