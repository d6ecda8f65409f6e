"""Reference data of every store: cities, indicator trees, shipped questionnaires."""

from functools import lru_cache
from pathlib import Path

from sqlmodel import Session

from survey.fieldwork.instruments import save_instrument, save_tree
from survey.instrument.indicator_tree_csv import read_tree
from survey.instrument.model import Instrument
from survey.instrument.xlsform import load_bundle
from survey.sample.city_frame import read_cities, upsert_cities
from survey.store.transactions import run_in_transaction


def load_reference_data(url: str, seed: Path) -> None:
    """Save the cities, trees and questionnaires of `seed`; repeating it changes nothing."""

    def save_all(session: Session) -> None:
        upsert_cities(read_cities(seed / "cities.csv"), session=session)
        trees = seed / "trees"
        for path in sorted({*trees.glob("*.csv")} - {*trees.glob("crosswalk_*.csv")}):
            save_tree(session=session, tree=read_tree(path, name=path.stem))
        for path in sorted((seed / "instruments").glob("*.toml")):
            save_instrument(session=session, instrument=_shipped_instrument(path))

    run_in_transaction(url, save_all)


@lru_cache(maxsize=16)
def _shipped_instrument(path: Path) -> Instrument:
    """Read a shipped questionnaire, once per process."""
    return load_bundle(path.parent, path.stem).instrument
