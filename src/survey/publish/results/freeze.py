"""Freeze a wave: responses to a snapshot, the snapshot to protected cells, in one go."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sqlalchemy import update
from sqlmodel import Session

from survey.access.audit import record
from survey.access.principal import Action, Principal
from survey.disclosure import MINIMUM_N
from survey.estimate import Design
from survey.fieldwork.instruments import load_instrument, load_tree
from survey.fieldwork.waves import wave_by_key
from survey.instrument.model import Instrument
from survey.instrument.tree import IndicatorTree
from survey.locale import SurveyError, msg
from survey.publish.results.analysis import analysis_frame, design_for, weighted
from survey.publish.results.cells import compute_cells
from survey.publish.results.domains import groups
from survey.publish.results.measures import Measure, measures_for, read_measures
from survey.publish.results.method import Method
from survey.publish.results.store import CELLS, GAPS, METHOD
from survey.publish.results.weighting import WeightingReport
from survey.sample.frame import frame_table, shipped_cities
from survey.settings import PROJECT_ROOT, Settings
from survey.snapshot.files import content_sha256, parquet_bytes, write_snapshot
from survey.snapshot.frame import FREEZABLE, response_frame
from survey.snapshot.manifest import Manifest
from survey.store.core import table_of
from survey.store.engine import session_scope
from survey.store.tables import Response, Snapshot, Status, Wave, WaveState

LEVEL = 0.95
_MEASURES = PROJECT_ROOT / "seed" / "instruments" / "measures.csv"


class NothingToFreeze(SurveyError):
    """The wave has no approved response."""

    code = "nothing_to_freeze"


class FrozenWave(BaseModel):
    """What a freeze produced."""

    model_config = ConfigDict(frozen=True)

    wave: str
    rows: int
    cities: int
    cells: int
    hidden: int
    sha256: str
    directory: str


def freeze_wave(
    settings: Settings,
    *,
    wave_key: str,
    actor: Principal,
    final: bool = False,
    release: bool = False,
) -> FrozenWave:
    """Freeze the approved responses of a wave and compute every protected cell.

    A provisional snapshot may be made again and again. With `final`, the responses become frozen
    and so does the wave; with `release` as well, its results are open to every reader.

    Raises:
        NothingToFreeze: no approved responses. NotEstimable: margins that cannot be met.
    """
    actor.require(Action.ADMINISTER)
    with session_scope(settings.store_url) as session:
        wave = wave_by_key(session=session, key=wave_key)
        instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
        tree = load_tree(session=session, tree_id=wave.tree_id) if wave.tree_id else None
        frame = response_frame(session=session, wave_id=wave.id, instrument=instrument)
        if frame.empty:
            raise NothingToFreeze(
                msg("The wave {wave} has no approved response to freeze.", wave=wave_key)
            )
        data = parquet_bytes(frame)
        manifest = _manifest(wave, instrument, tree, frame, content_sha256(data), final)
        folder = write_snapshot(settings.snapshot_dir, manifest, data)
        cells, hidden = _write_results(folder, frame, wave, instrument, tree)
        directory = str(folder.relative_to(settings.snapshot_dir))
        _register(session, wave, manifest, directory, actor, final=final, release=release)
    return FrozenWave(
        wave=wave_key,
        rows=manifest.rows,
        cities=manifest.cities,
        cells=cells,
        hidden=hidden,
        sha256=manifest.responses_sha256,
        directory=directory,
    )


def _write_results(
    folder: Path,
    frame: pd.DataFrame,
    wave: Wave,
    instrument: Instrument,
    tree: IndicatorTree | None,
) -> tuple[int, int]:
    """Write cells, gaps and method beside the snapshot; return how many cells, how many hidden."""
    people, report = weighted(analysis_frame(frame, wave.series), wave.series)
    measures = measures_for(instrument, read_measures(_MEASURES))
    memberships = groups(people, wave.series)
    design = design_for(people)
    cells, gaps = compute_cells(
        people,
        instrument=instrument,
        tree=tree,
        measures=measures,
        cities=frame_table(shipped_cities()),
        memberships=memberships,
        design=design,
        composite=wave.composite,
        level=LEVEL,
    )
    method = _method(wave, report, instrument, measures, tuple(memberships), design)
    _replace(folder / CELLS, parquet_bytes(cells))
    _replace(folder / GAPS, parquet_bytes(gaps))
    _replace(folder / METHOD, method.model_dump_json(indent=2).encode())
    return len(cells), int(np.sum(~cells["shown"]))


def _method(
    wave: Wave,
    report: WeightingReport,
    instrument: Instrument,
    measures: tuple[Measure, ...],
    group_keys: tuple[str, ...],
    design: Design,
) -> Method:
    return Method(
        composite=wave.composite,
        level=LEVEL,
        lonely_psu=design.lonely_psu,
        assumed_deff=design.assumed_deff,
        minimum_n=MINIMUM_N,
        unreliable_below_n=30,
        unreliable_below_df=8,
        weighting=report,
        items={item.name: str(item.indicator) for item in instrument.scored_items},
        measures=measures,
        groups=group_keys,
        code_version=version("hundred-cities-survey"),
    )


def _replace(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as draft:
        draft.write(data)
    target = Path(draft.name)
    target.chmod(0o644)
    target.replace(path)


def _manifest(
    wave: Wave,
    instrument: Instrument,
    tree: IndicatorTree | None,
    frame: pd.DataFrame,
    sha256: str,
    final: bool,
) -> Manifest:
    return Manifest(
        wave=wave.key,
        series=wave.series,
        year=wave.year,
        title={"zh": wave.title_zh, "en": wave.title_en},
        is_demo=wave.is_demo,
        final=final,
        composite=wave.composite,
        instrument=instrument.name,
        instrument_version=instrument.version,
        instrument_sha256=instrument.sha256,
        tree=tree.name if tree else None,
        tree_sha256=tree.sha256 if tree else None,
        rows=len(frame),
        cities=int(frame["city_code"].nunique()),
        statuses=tuple(status.value for status in FREEZABLE),
        responses_sha256=sha256,
        software=version("hundred-cities-survey"),
        frozen_at=datetime.now(UTC),
    )


def _register(
    session: Session,
    wave: Wave,
    manifest: Manifest,
    directory: str,
    actor: Principal,
    *,
    final: bool,
    release: bool,
) -> None:
    """Name the snapshot in the store, and move wave and responses when it is final."""
    session.add(
        Snapshot(
            wave_id=wave.id,
            final=final,
            sha256=manifest.responses_sha256,
            directory=directory,
            rows=manifest.rows,
            created_at=manifest.frozen_at,
        )
    )
    if final:
        response = table_of(Response)
        session.connection().execute(
            update(response)
            .where(response.c.wave_id == wave.id, response.c.status == Status.APPROVED)
            .values(status=Status.FROZEN)
        )
        wave.state = WaveState.RELEASED if release else WaveState.FROZEN
        session.add(wave)
    record(
        session=session,
        actor=actor,
        action="wave.snapshot",
        subject_kind="wave",
        subject_id=wave.id,
        now=manifest.frozen_at,
        detail={"sha256": manifest.responses_sha256, "final": final, "release": release},
    )
