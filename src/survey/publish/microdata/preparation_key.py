"""Key of released rows: one hash of all that they are made of."""

import hashlib
import platform
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlmodel import Session

import survey
from survey.settings import PROJECT_ROOT
from survey.snapshot.seals import find_seals, read_sealed
from survey.snapshot.snapshot_files import MANIFEST, read_manifest, response_hashes
from survey.store.tables import (
    CityTarget,
    IndicatorTreeVersion,
    InstrumentVersion,
    Wave,
    WavePlan,
    table_of,
)

_PACKAGE = Path(survey.__file__).parent
SOURCES = (
    "disclosure", "estimate", "instrument", "locale", "publish/__init__.py", "publish/microdata",
    "publish/views", "results", "sample", "snapshot", "store", "__init__.py", "settings.py",
    "spreadsheets.py",
)  # fmt: skip
"""Parts of the package that rows and their labels are made with."""
SEEDS = ("seed/*.csv", "seed/instruments/*.csv")
_SUFFIXES = frozenset({".py", ".csv", ".mo"})
_LIBRARIES = ("highspy", "numpy", "pandas", "pyarrow", "scipy")
_WAVES, _PLANS, _TARGETS = table_of(Wave), table_of(WavePlan), table_of(CityTarget)
_INSTRUMENTS, _TREES = table_of(InstrumentVersion), table_of(IndicatorTreeVersion)


def preparation_key(session: Session, wave: Wave, folder: Path) -> str | None:
    """Return the key of the rows that would be released now; None for an unsealed snapshot.

    Raises:
        SnapshotDamagedError: manifest or responses are not those that were sealed.
    """
    seals = find_seals(session, f"{folder.parent.name}/{folder.name}")
    if seals is None:
        return None
    manifest = read_manifest(folder)
    responses = response_hashes(folder, manifest)
    for name in (MANIFEST, *responses):
        read_sealed(folder / name, seals)
    made_of = {
        "software": hash_software(),
        "libraries": [platform.python_version(), *map(version, _LIBRARIES)],
        # Without its list of all files, which grows when another wave is compared with this one.
        "manifest": manifest.model_dump(mode="json", exclude={"files"}),
        "responses": responses,
        "rules": list(_iter_rules(session, wave)),
    }
    return _hash(orjson.dumps(made_of, default=str, option=orjson.OPT_SORT_KEYS))


def _iter_rules(session: Session, wave: Wave) -> Iterator[Any]:
    """Yield what the store says of the wave, its questionnaire, its tree and its plan."""
    yield [wave.id, wave.key, wave.series, wave.composite]
    factors = (_PLANS.c.elderly_factor, _PLANS.c.guardian_factor)
    shares = (_TARGETS.c.city_code, _TARGETS.c.guardian_share)
    for query in (
        select(_INSTRUMENTS.c.document).where(_INSTRUMENTS.c.id == wave.instrument_id),
        select(_TREES.c.document).where(_TREES.c.id == wave.tree_id),
        select(*factors).where(_PLANS.c.wave_id == wave.id),
        select(*shares).where(_TARGETS.c.wave_id == wave.id).order_by(_TARGETS.c.city_code),
    ):
        rows = session.connection().execute(query)
        yield [[_hash(v) if isinstance(v, bytes) else v for v in row] for row in rows]


@lru_cache(maxsize=1)
def hash_software() -> str:
    """Return one hash of the files that rows are made with."""
    lines = (
        f"{path.relative_to(PROJECT_ROOT)} {_hash(path.read_bytes())}\n" for path in list_sources()
    )
    return _hash("".join(lines).encode())


def is_software_unchanged() -> bool:
    """Return whether the files are those that this process runs.

    A service that runs on while its files are replaced would keep rows of the old rules as rows of
    the new. A file's time of change is that of its replacement, whatever age it was given.
    """
    return all(path.stat().st_ctime < survey.STARTED_AT for path in list_sources())


def list_sources() -> list[Path]:
    """Return the files that rows are made with: code, catalogues and tables of the package."""
    found = [path for pattern in SEEDS for path in PROJECT_ROOT.glob(pattern)]
    for name in SOURCES:
        path = _PACKAGE / name
        found += [path] if path.is_file() else path.rglob("*.*")
    return sorted(path for path in found if path.suffix in _SUFFIXES)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
