"""Rows for analysts: nobody stands out, figures come out again, and a copy tells whose it is."""

import csv
import hashlib
import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import col, func, select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.estimate import Cube, CubeSpec
from survey.files.microdata.deidentify import DeidentifiedRows, deidentify, name_exact_rows
from survey.files.microdata.exact_requests import trace_export
from survey.files.microdata.export import (
    ExportNotAllowedError,
    MicrodataFile,
    export_rows,
    list_exportable_waves,
)
from survey.files.microdata.file_formats import FileFormat
from survey.files.microdata.headline_deviation import ScoredRows, compare_headlines
from survey.files.microdata.pseudonyms import Pseudonyms, new_pseudonym_key
from survey.files.microdata.released_rows import MIN_CLASS_SIZE
from survey.files.microdata.rows_in_parts import weight_margins
from survey.results import wave_snapshots
from survey.results.wave_parts import WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Response, RowExport, Snapshot, WaveState, now
from survey.waves.waves import close_wave, get_wave
from tests.work_of import work_of

WAVE = "main-2024"
PURPOSE = "Check the score of elderly people"


@pytest.fixture(scope="module")
def store(frozen_small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The small demo wave, frozen for good, in a copy."""
    folder = tmp_path_factory.mktemp("rows") / "store"
    shutil.copytree(frozen_small_demo, folder)
    settings = Settings(database_url="", data_dir=folder)
    with session_scope(settings.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        wave.state = WaveState.FROZEN
        session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one().final = True
    yield settings
    dispose_engines()


@pytest.fixture(scope="module")
def analyst(store: Settings) -> Principal:
    account = Account(login="lin", name="Lin", role=Role.ANALYST, area="CN")
    with session_scope(store.store_url) as session:
        session.add(account)
    return Principal(account.id, account.name, Role.ANALYST, "CN")


@pytest.fixture(scope="module")
def source(store: Settings) -> WaveData:
    with read_scope(store.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        snapshot = session.exec(select(Snapshot).where(Snapshot.final)).one()
        small_source = load_wave_data(session, wave, store.snapshot_dir / snapshot.directory)
    return _larger(small_source)


def _larger(source: WaveData) -> WaveData:
    """Eight of everybody, for the small demo has six interviews a city."""
    people = pd.concat([source.people] * 8, ignore_index=True)
    people["response_id"] = [f"r{row}" for row in range(len(people))]
    return replace(source, people=people)


@pytest.fixture(scope="module")
def rows(source: WaveData) -> pd.DataFrame:
    return made_of(source, source.people).table


def made_of(source: WaveData, people: pd.DataFrame, *, exact: bool = False) -> DeidentifiedRows:
    names = Pseudonyms("ab" * 32)
    if exact:
        return name_exact_rows(people, source.instrument, names)
    return deidentify(people, source.instrument, names, margins=weight_margins(source))


def take(
    store: Settings, person: Principal, *, form: FileFormat = FileFormat.CSV, purpose: str = PURPOSE
) -> MicrodataFile:
    with session_scope(store.store_url) as session:
        return export_rows(
            work_of(session, person, now(), settings=store),
            wave_key=WAVE,
            purpose=purpose,
            form=form,
            language="en",
        )


def test_nothing_in_a_row_names_anybody(source: WaveData, rows: pd.DataFrame) -> None:
    texts = set(rows.select_dtypes(["object", "string", "category"]).astype(str).stack())
    for secret in ("response_id", "surveyor", "psu"):
        assert not texts & set(source.people[secret].dropna().astype(str))
    gone = {"surveyor", "response_id", "started_at", "submitted_at", "duration_seconds", "age",
            "birth_year"}  # fmt: skip
    assert not gone & set(rows.columns)
    assert rows["day"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert rows["row"].is_unique


def smallest_class(rows: pd.DataFrame) -> int:
    """Fewest rows that share city, stratum, weight, age band and gender."""
    key = [
        rows[name].astype("string").fillna("").to_numpy()
        for name in ("city_code", "stratum", "age_band", "gender")
    ]
    return int(rows.groupby([*key, rows["weight"].to_numpy()]).size().min())


def test_every_combination_that_is_left_is_shared(rows: pd.DataFrame, source: WaveData) -> None:
    assert smallest_class(rows) >= MIN_CLASS_SIZE
    for name in ("income", "education", "hukou"):
        known = rows.dropna(subset=[name])
        assert known.groupby(["city_code", name], observed=True).size().min() >= MIN_CLASS_SIZE


@pytest.mark.parametrize("seed", range(4))
def test_they_are_shared_however_the_sample_falls(source: WaveData, seed: int) -> None:
    some = source.people.sample(700 + 900 * seed, random_state=seed).reset_index(drop=True)
    made = made_of(source, some)
    assert smallest_class(made.table) >= MIN_CLASS_SIZE
    assert len(made.table) + made.dropped == len(some)
    assert made.blanked > 0


def test_published_figures_come_out_again_as_near_as_the_file_says(source: WaveData) -> None:
    """Score and error of everyone in the nation and a city: exactly from an exact file."""
    exact = made_of(source, source.people, exact=True).table
    with_strata = exact.assign(stratum_key=exact["city_code"] + ":" + exact["stratum"])
    published = _estimates(source, source.people)
    pd.testing.assert_frame_equal(_estimates(source, with_strata), published, check_exact=False)
    some = source.people.sample(2500, random_state=1).reset_index(drop=True)
    made = made_of(source, some)
    assert made.merged > 100
    deviation = compare_headlines([ScoredRows.of(source, some)], [ScoredRows.of(source, made.kept)])
    rows = made.table.assign(stratum_key=made.table["city_code"] + ":" + made.table["stratum"])
    both = _estimates(source, some).merge(
        _estimates(source, rows), on=["area_level", "area", "indicator"]
    )
    both = both[(both["indicator"] == "composite") & (both["n_x"] >= 10)]
    distance = (both["estimate_x"] - both["estimate_y"]).abs()
    nation = both["area_level"] == "nation"
    for reported, actual in (
        (deviation.everyone, distance[nation].max()),
        (deviation.largest_city, distance[~nation].max()),
    ):
        assert reported is not None
        assert reported - 0.01 < actual <= reported + 1e-9


def _estimates(source: WaveData, people: pd.DataFrame) -> pd.DataFrame:
    city = people["city_code"].astype(str).to_numpy(dtype=object)
    everywhere = np.full(len(people), "CN", dtype=object)
    spec = CubeSpec(
        source.plan.tree,
        source.design,
        areas={"nation": everywhere, "city": city},
        groups={"all": np.ones(len(people), dtype=bool)},
        composite="item_means",
        scale=source.plan.scale,
    )
    table = Cube.of(people, spec).table(level=0.95)
    keys = ["area_level", "area", "indicator"]
    named = table.astype(dict.fromkeys(keys, str)).sort_values(keys, ignore_index=True)
    return named[[*keys, "estimate", "se", "n", "n_psu"]]


def test_only_analysts_take_rows(store: Settings) -> None:
    for role in set(Role) - {Role.ANALYST}:
        person = Principal(uuid4(), "x", role, "CN")
        with pytest.raises(AccessDeniedError):
            take(store, person)
        with read_scope(store.store_url) as session, pytest.raises(AccessDeniedError):
            list_exportable_waves(work_of(session, person))


def test_an_analyst_of_a_province_takes_its_rows_only(
    store: Settings, analyst: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey.files.microdata.deidentify.MIN_CLASS_SIZE", 1)
    table = read_csv(take(store, replace(analyst, area="32")))
    assert len(table) > 20
    assert table["city_code"].astype(str).str.startswith("32").all()
    with pytest.raises(AccessDeniedError):
        take(store, replace(analyst, area="99"))


def read_csv(file: MicrodataFile) -> pd.DataFrame:
    lines = file.content.decode("utf-8-sig").splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("row,"))
    return pd.read_csv(io.StringIO("\n".join(lines[head:])), dtype={"row": str, "psu": str})


def test_a_wave_read_file_by_file_gives_the_same_file(
    store: Settings, analyst: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("survey.files.microdata.deidentify.MIN_CLASS_SIZE", 2)
    monkeypatch.setattr("survey.files.microdata.export.new_pseudonym_key", lambda: "ef" * 32)
    at_once = take(store, analyst, form=FileFormat.PARQUET)
    monkeypatch.setattr(wave_snapshots, "MAX_ROWS_IN_MEMORY", 0)
    file_by_file = take(store, analyst, form=FileFormat.PARQUET)
    assert file_by_file.rows > 20
    assert file_by_file.content == at_once.content
    assert file_by_file.deviation == at_once.deviation
    assert not wave_snapshots._KEPT_PARTS


@pytest.mark.parametrize("purpose", ["", "   ", "no", "x" * 501])
def test_without_a_purpose_there_is_no_file(
    store: Settings, analyst: Principal, purpose: str
) -> None:
    with pytest.raises(ExportNotAllowedError):
        take(store, analyst, purpose=purpose)


def test_a_wave_that_is_not_frozen_is_not_taken(
    store: Settings, analyst: Principal, field: Any
) -> None:
    with session_scope(field.url) as session:
        close_wave(work_of(session, OPERATOR, field.now), key=field.wave.key)
    with session_scope(field.url) as session, pytest.raises(ExportNotAllowedError):
        export_rows(
            work_of(session, analyst, now(), settings=store),
            wave_key=field.wave.key,
            purpose=PURPOSE,
            form=FileFormat.CSV,
            language="en",
        )


def test_a_demo_account_takes_demo_rows_only(store: Settings, analyst: Principal) -> None:
    visitor = replace(analyst, is_demo=True)
    assert take(store, visitor).rows >= 0
    with session_scope(store.store_url) as session:
        get_wave(session=session, key=WAVE).is_demo = False
    try:
        with pytest.raises(AccessDeniedError):
            take(store, visitor)
        with read_scope(store.store_url) as session:
            assert list_exportable_waves(work_of(session, visitor)) == []
    finally:
        with session_scope(store.store_url) as session:
            get_wave(session=session, key=WAVE).is_demo = True


def test_every_file_is_recorded_with_purpose_and_fingerprint(
    store: Settings, analyst: Principal
) -> None:
    made = take(store, analyst)
    with read_scope(store.store_url) as session:
        kept = session.exec(select(RowExport).order_by(col(RowExport.made_at).desc())).first()
        detail = session.exec(
            select(AuditEntry.detail)
            .where(AuditEntry.action == "rows.exported")
            .order_by(col(AuditEntry.at).desc())
        ).first()
    assert (kept.purpose, kept.rows, kept.account_id) == (PURPOSE, made.rows, analyst.account_id)
    assert detail["purpose"] == PURPOSE
    assert detail["sha256"] == kept.sha256
    assert kept.secret not in str(detail)


def test_a_few_rows_of_a_copy_tell_whose_it_was(store: Settings) -> None:
    """In any order, without one of the two columns; another export has other names."""
    with session_scope(store.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        ids = session.exec(select(Response.id).limit(40)).all()
        secrets = {}
        for login in ("wu", "zheng"):
            account = Account(login=login, name=login, role=Role.ANALYST, area="CN")
            secrets[login] = new_pseudonym_key()
            session.add(account)
            session.flush()
            session.add(
                RowExport(
                    account_id=account.id,
                    wave_id=wave.id,
                    snapshot_sha256="",
                    area="CN",
                    purpose=PURPOSE,
                    form="csv",
                    rows=40,
                    sha256="",
                    secret=secrets[login],
                )
            )
    leaked = [Pseudonyms(secrets["zheng"])("row", str(row_id)) for row_id in reversed(ids[:3])]
    with read_scope(store.store_url) as session:
        matches = trace_export(work_of(session, OPERATOR), wave_key=WAVE, names=[*leaked, "0" * 12])
        assert [(match.account, match.matched) for match in matches] == [("zheng", 3)]
        with pytest.raises(AccessDeniedError):
            trace_export(
                work_of(session, Principal(uuid4(), "x", Role.ANALYST, "CN")),
                wave_key=WAVE,
                names=leaked,
            )


def test_a_demo_file_says_so(store: Settings, analyst: Principal) -> None:
    assert b"DEMO DATA" in take(store, analyst).content


@pytest.mark.parametrize("form", FileFormat)
def test_a_file_of_every_format_is_recorded_marked_and_says_that_it_is_a_demonstration(
    store: Settings, analyst: Principal, form: FileFormat, tmp_path: Path
) -> None:
    made = take(store, analyst, form=form)
    path = tmp_path / made.name
    path.write_bytes(made.content)
    assert made.name.endswith(f".{form}")
    rows, about = read_back(path)
    assert len(rows) == made.rows
    assert "Demo data" in about or "DEMO DATA" in about
    for words in ("Exported for Lin", PURPOSE):
        assert words in about
    with read_scope(store.store_url) as session:
        kept = session.exec(select(RowExport).order_by(col(RowExport.made_at).desc())).first()
        wave = get_wave(session=session, key=WAVE)
        ids = session.exec(select(Response.id).where(Response.wave_id == wave.id)).all()
    assert (kept.form, kept.rows) == (form, made.rows)
    assert kept.sha256 == hashlib.sha256(made.content).hexdigest()
    own = {Pseudonyms(kept.secret)("row", str(each)) for each in ids}
    assert set(rows["row"]) <= own


def read_back(path: Path) -> tuple[pd.DataFrame, str]:
    """The rows of a file and all that it says of itself, by readers of other people."""
    if path.suffix == ".sav":
        rows, meta = pyreadstat.read_sav(path, user_missing=True)
        return rows, "".join([meta.file_label, *meta.notes])
    if path.suffix == ".dta":
        rows, meta = pyreadstat.read_dta(path, user_missing=True)
        return rows, f"{meta.file_label} {meta.variable_value_labels['about_file'][1]}"
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return table.to_pandas(), table.schema.metadata[b"remarks"].decode()
    if path.suffix == ".csv":
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    else:
        lines = CalamineWorkbook.from_path(path).get_sheet_by_name("rows").to_python()
    head = next(place for place, line in enumerate(lines) if line[0] == "row")
    about = "\n".join(str(line[0]) for line in lines[:head])
    return pd.DataFrame(lines[head + 1 :], columns=lines[head]), about


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4])
def test_a_file_cancelled_at_any_step_is_not_recorded(
    store: Settings, analyst: Principal, step: int
) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == step:
            raise StoppedError

    def records() -> tuple[int, int]:
        with read_scope(store.store_url) as session:
            exports = session.exec(select(func.count()).select_from(RowExport)).one()
            entries = session.exec(select(func.count()).select_from(AuditEntry)).one()
        return exports, entries

    before = records()
    with pytest.raises(StoppedError), session_scope(store.store_url) as session:
        export_rows(
            work_of(session, analyst, now(), settings=store),
            wave_key=WAVE,
            purpose=PURPOSE,
            form=FileFormat.PARQUET,
            tick=stop,
        )
    assert records() == before
