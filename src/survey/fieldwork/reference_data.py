"""Reference data that every store starts with: cities, indicator trees, shipped questionnaires."""

from functools import lru_cache
from pathlib import Path

from survey.fieldwork.instruments import save_instrument, save_tree
from survey.instrument.indicator_tree_csv import read_tree
from survey.instrument.model import Instrument
from survey.instrument.xlsform import load_bundle
from survey.sample.city_frame import read_cities, upsert_cities
from survey.store.engine import session_scope


def load_reference_data(url: str, seed: Path) -> None:
    """Bring the store at `url` up to what `seed` holds; repeating it changes nothing."""
    with session_scope(url) as session:
        upsert_cities(read_cities(seed / "cities.csv"), session=session)
        trees = seed / "trees"
        for path in sorted({*trees.glob("*.csv")} - {*trees.glob("crosswalk_*.csv")}):
            save_tree(session=session, tree=read_tree(path, name=path.stem))
        for path in sorted((seed / "instruments").glob("*.toml")):
            save_instrument(session=session, instrument=_shipped_instrument(path))


@lru_cache(maxsize=16)
def _shipped_instrument(path: Path) -> Instrument:
    """A shipped questionnaire, read once per process: shipped files do not change under it."""
    return load_bundle(path.parent, path.stem).instrument
