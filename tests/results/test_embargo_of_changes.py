"""Before a release a change tells no other city's figure, whichever cities the two waves share."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pandas as pd
import pytest

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import Role
from survey.results import list_waves, open_results, tables
from survey.results.freeze import freeze_wave
from survey.results.headlines import CellsFile, find_withheld_changes, list_withheld_areas
from survey.results.release import release_wave
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Shown, now
from tests.small_waves import (
    SmallWave,
    add_wave,
    small_instrument,
    small_tree,
    small_wave,
    store_people,
)
from tests.work_of import ONE_PERSON, work_of

SUZHOU, NANJING, WUXI = "320500", "320100", "320200"
FURTHER = dict.fromkeys(("130100", "361100", "430600", "441900"), 30)
OFFICIAL = Principal(uuid4(), "Lin", Role.CITY_OFFICIAL, SUZHOU)


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallWave, SmallWave]]:
    """Jiangsu has two cities in the earlier wave and three in the later one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "_write_gaps", lambda *_: pd.DataFrame())
        patch.setattr(tables, "_iter_tables", lambda *_: ())
        folder = tmp_path_factory.mktemp("embargo") / "data"
        earlier = small_wave(
            folder, instrument=small_instrument(few_groups=True), tree=small_tree()
        )
        store_people(earlier, {SUZHOU: 40, NANJING: 40} | FURTHER)
        later = add_wave(earlier, "small-2027", 2027)
        store_people(later, {SUZHOU: 40, NANJING: 40, WUXI: 40} | FURTHER)
        for wave in (earlier, later):
            freeze_wave(
                wave.settings, wave_key=wave.key, actor=OPERATOR, options=FreezeOptions(final=True)
            )
        yield earlier, later
    dispose_engines()


def read_areas(waves: tuple[SmallWave, SmallWave], reader: Principal) -> set[tuple[str, str]]:
    """Areas whose change a reader sees."""
    earlier, later = waves
    with read_scope(later.settings.store_url) as session:
        results = open_results(later.settings, session, later.key)
        before = next(w for w in list_waves(later.settings, session) if w.key == earlier.key)
    rows = results.changes(reader, before=before, group="all", indicator="composite")
    exact = results.exact_changes(reader, before, {"group": "all", "indicator": "composite"})
    found = set(zip(rows["area_level"].astype(str), rows["area"].astype(str), strict=True))
    assert found == set(
        zip(exact["area_level"].astype(str), exact["area"].astype(str), strict=True)
    )
    return found


def test_the_change_of_a_province_of_two_shared_cities_tells_neither_the_other(
    waves: tuple[SmallWave, SmallWave],
) -> None:
    """Over Suzhou and Nanjing it gives Suzhou both scores of Nanjing."""
    later = waves[1]
    with read_scope(later.settings.store_url) as session:
        cells = open_results(later.settings, session, later.key).cells(OFFICIAL, group="all")
    assert ("province", "32") in set(zip(cells["area_level"], cells["area"], strict=True)), (
        "of three cities the province is shown in the later wave itself"
    )
    seen = read_areas(waves, OFFICIAL)
    assert ("city", SUZHOU) in seen
    assert ("province", "32") not in seen
    assert ("province", "32") in read_areas(waves, OPERATOR)


def test_the_change_of_what_lacks_one_city_is_not_that_city_beside_the_whole(
    waves: tuple[SmallWave, SmallWave],
) -> None:
    """The nation of the later wave less the nation over the shared cities is Wuxi."""
    assert ("nation", "CN") not in read_areas(waves, OFFICIAL)


def test_what_only_one_wave_restricts_is_restricted(waves: tuple[SmallWave, SmallWave]) -> None:
    """Everything is shown of neither side while one of the two waves shows no other city."""
    earlier, _ = waves
    with session_scope(earlier.settings.store_url) as session:
        release_wave(
            work_of(session, OPERATOR, now(), settings=ONE_PERSON),
            wave_key=earlier.key,
            shown=Shown.SCORES,
        )
    seen = read_areas(waves, OFFICIAL)
    assert ("province", "32") not in seen
    assert ("nation", "CN") not in seen
    official = replace(OFFICIAL, area="CN", role=Role.NATIONAL_OFFICIAL)
    assert ("nation", "CN") in read_areas(waves, official)


def test_between_waves_of_the_same_cities_nothing_more_is_withheld(
    waves: tuple[SmallWave, SmallWave],
) -> None:
    with read_scope(waves[1].settings.store_url) as session:
        results = [open_results(wave.settings, session, wave.key) for wave in waves]
    earlier, later = (
        CellsFile.of(wave.settings.snapshot_dir / each.wave.directory)
        for wave, each in zip(waves, results, strict=True)
    )
    alike = find_withheld_changes(later, later, SUZHOU)
    assert alike == {(level, area) for level, area, _ in list_withheld_areas(later, SUZHOU)}
    assert ("province", "32") not in alike
    assert ("province", "32") in find_withheld_changes(later, earlier, SUZHOU)
