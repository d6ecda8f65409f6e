"""Interviews that are de-identified part by part, as those of a large wave are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError
from survey.files.microdata.deidentify import AskedColumns, deidentify
from survey.files.microdata.headline_deviation import compare_headlines
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.files.microdata.released_rows import HeadlineDeviation
from survey.files.microdata.rows_in_parts import AreaParts, ReleasedRows, join_tables, release_rows
from survey.results.wave_parts import LoadedPart, WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import Snapshot
from survey.waves.waves import get_wave

NAME = Pseudonyms("cd" * 32)


@pytest.fixture(scope="module")
def source(frozen_small_demo: Path) -> Iterator[WaveData]:
    """Some of eight of everybody, for the small demo has six interviews a city."""
    settings = Settings(database_url="", data_dir=frozen_small_demo)
    with read_scope(settings.store_url) as session:
        wave = get_wave(session=session, key="main-2024")
        snapshot = session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one()
        data = load_wave_data(session, wave, settings.snapshot_dir / snapshot.directory)
    people = pd.concat([data.people] * 8, ignore_index=True)
    people["response_id"] = [f"r{row}" for row in range(len(people))]
    yield replace(data, people=people.sample(2500, random_state=1).reset_index(drop=True))
    dispose_engines()


def split(source: WaveData, seed: int, parts: int) -> list[LoadedPart]:
    """Return the wave in parts of whole cities, drawn at random, in any order."""
    rng = np.random.default_rng(seed)
    codes = source.people["city_code"].astype(str)
    part_of = {code: rng.integers(parts) for code in sorted(codes.unique())}
    part = codes.map(part_of).to_numpy()
    pieces = [source.people[part == number].reset_index(drop=True) for number in range(parts)]
    order = rng.permutation(parts)
    return [LoadedPart(replace(source, people=pieces[number])) for number in order]


def release(parts: list[LoadedPart], area: str = "", *, exact: bool = False) -> ReleasedRows:
    return release_rows(AreaParts(parts, lambda city: city.startswith(area)), NAME, exact=exact)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("area", ["", "32"])
def test_parts_are_the_rows_of_the_wave_at_once(source: WaveData, seed: int, area: str) -> None:
    whole, parts = release([LoadedPart(source)], area), release(split(source, seed, 4), area)
    assert whole.blanked > 0
    pd.testing.assert_frame_equal(parts.table, whole.table, check_exact=True)
    assert (parts.blanked, parts.dropped, parts.merged) == (
        whole.blanked,
        whole.dropped,
        whole.merged,
    )
    told = compare_headlines(whole.frozen, whole.kept)
    assert told.everyone is not None
    assert compare_headlines(parts.frozen, parts.kept) == told


def test_parts_of_which_no_row_is_left_are_passed_over(source: WaveData) -> None:
    """Four interviews a city are left out of the file, in one part of the wave or in all."""
    people = source.people
    first = people.groupby(people["city_code"].astype(str), sort=False).head(4)
    few, others = (
        LoadedPart(replace(source, people=rows.reset_index(drop=True)))
        for rows in (
            first[first["city_code"].astype(str).str.startswith("11")],
            people[~people["city_code"].astype(str).str.startswith("11")],
        )
    )
    nothing = release([few])
    assert (len(nothing.table), nothing.dropped) == (0, 4)
    assert compare_headlines(nothing.frozen, nothing.kept) == HeadlineDeviation(None, None)
    alone, both = release([others]), release([few, others])
    assert both.dropped == alone.dropped + 4
    pd.testing.assert_frame_equal(both.table, alone.table)
    told = compare_headlines(both.frozen, both.kept)
    assert told.everyone is not None
    assert told.largest_city == compare_headlines(alone.frozen, alone.kept).largest_city


def test_exact_rows_come_in_parts_too(source: WaveData) -> None:
    whole = release([LoadedPart(source)], exact=True)
    parts = release(split(source, 5, 3), exact=True)
    pd.testing.assert_frame_equal(parts.table, whole.table, check_exact=True)
    assert whole.blanked == whole.merged == 0


def test_parts_without_an_interview_of_the_area_are_passed_over(source: WaveData) -> None:
    assert set(release(split(source, 1, 6), "3205").table["city_code"]) == {"320500"}
    with pytest.raises(AccessDeniedError):
        release(split(source, 1, 6), "99")


def test_a_question_tells_of_its_filter_if_it_was_passed_in_another_part(source: WaveData) -> None:
    """Where everybody in a part was asked, it still says what brought them to the question."""
    everybody, nobody = (
        AskedColumns.of(pd.DataFrame({"q": pd.Series([code, code], dtype="int8"), "x": ["a", "b"]}))
        for code in (7, -4)
    )
    assert everybody.selective_columns == nobody.selective_columns == frozenset()
    assert AskedColumns.join([everybody, nobody]).selective_columns == {"q"}
    found = AskedColumns.of(source.people)
    one_part = deidentify(source.people, source.instrument, NAME, asked=found).table
    pd.testing.assert_frame_equal(
        one_part, deidentify(source.people, source.instrument, NAME).table, check_exact=True
    )
    asked_all = replace(found, not_asked=frozenset())
    shown = deidentify(source.people, source.instrument, NAME, asked=asked_all).table
    assert int(shown.isna().sum().sum()) < int(one_part.isna().sum().sum())


def test_categories_of_all_parts_are_those_of_the_file() -> None:
    tables = [
        pd.DataFrame({"row": rows, "mode": pd.Categorical(modes), "score": scores})
        for rows, modes, scores in (
            (["b", "d"], ["web", "web"], pd.array([1, None], dtype="Int16")),
            (["a", "c"], ["capi", "web"], np.array([3, 4], dtype=np.int8)),
        )
    ]
    joined = join_tables(tables)
    assert joined["row"].tolist() == ["a", "b", "c", "d"]
    assert joined["mode"].tolist() == ["capi", "web", "web", "web"]
    assert joined["mode"].cat.categories.tolist() == ["capi", "web"]
    assert joined["score"].dtype == "Int16"
    assert joined["score"].tolist()[:3] == [3, 1, 4]
