"""The shipped questionnaires of the demo waves, read from `seed/instruments`."""

from functools import lru_cache

from survey.instrument.model import Instrument
from survey.instrument.xlsform import load_bundle
from survey.settings import PROJECT_ROOT


@lru_cache(maxsize=4)
def shipped_instrument(name: str) -> Instrument:
    return load_bundle(PROJECT_ROOT / "seed" / "instruments", name).instrument
