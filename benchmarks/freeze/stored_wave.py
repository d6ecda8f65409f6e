"""Memory and sheets of the whole freeze of a stored wave, from the interviews to the last file."""

import resource
import time
from collections import defaultdict
from collections.abc import Callable
from unittest.mock import patch

import pandas as pd

from survey.access.principal import OPERATOR
from survey.results import sheet_builders
from survey.results.freeze import freeze_wave
from survey.results.sheet_source import SheetSource
from survey.settings import current_settings

MOST_MIB = 550
"""Most resident memory of the process, Python and its imports included."""
MOST_OF_SHEETS = 0.25
"""Most processor time of the method sheets, as a part of that of everything else.

A small wave takes more: most of what the sheets compute does not grow with the interviews.
"""


def measure_stored_wave(key: str) -> None:
    """Freeze a wave of SURVEY_DATA_DIR once more, and print what it took.

    Of a frozen wave the same files are written again, and an entry of the audit trail. The audit of
    intervals is left at what the settings say (SURVEY_AUDIT_SECONDS).
    """
    base, began = _most_mib(), time.process_time()
    sheets: dict[str, float] = defaultdict(float)
    timed = {sheet: _time(build, sheet, sheets) for sheet, build in sheet_builders.BUILDERS.items()}
    with patch.object(sheet_builders, "BUILDERS", timed):
        frozen = freeze_wave(current_settings(), wave_key=key, actor=OPERATOR)
    seconds, most = time.process_time() - began, _most_mib()
    of_sheets = sum(sheets.values())
    more = of_sheets / (seconds - of_sheets)
    print(f"imports {base:.0f} MiB")
    print(f"rows {frozen.rows} processor {seconds:.1f} s, {most:.0f} MiB (at most {MOST_MIB})")
    print(
        f"sheets {more:.0%} more than without (at most {MOST_OF_SHEETS:.0%}): "
        + ", ".join(f"{sheet} {spent:.1f} s" for sheet, spent in sheets.items())
    )
    if most > MOST_MIB or more > MOST_OF_SHEETS:
        raise SystemExit("more than allowed")


def _time(
    build: Callable[[SheetSource], pd.DataFrame], sheet: str, spent: dict[str, float]
) -> Callable[[SheetSource], pd.DataFrame]:
    """Return a function that does the same and adds its processor seconds to `spent`."""

    def build_timed(source: SheetSource) -> pd.DataFrame:
        began = time.process_time()
        table = build(source)
        spent[sheet] += time.process_time() - began
        return table

    return build_timed


def _most_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
