"""Memory of the whole freeze of a wave of the store, from the interviews to the last file."""

import resource
import time

from survey.access.principal import OPERATOR
from survey.results.freeze import freeze_wave
from survey.settings import current_settings

MOST_MIB = 500
"""Most resident memory of the process, Python and its imports included."""


def measure_stored_wave(key: str) -> None:
    """Freeze a wave of SURVEY_DATA_DIR once more, and print what it took.

    Of a frozen wave the same files are written again, and an entry of the audit trail. The audit of
    intervals is left at what the settings say (SURVEY_AUDIT_SECONDS).
    """
    base, began = _most_mib(), time.process_time()
    frozen = freeze_wave(current_settings(), wave_key=key, actor=OPERATOR)
    seconds, most = time.process_time() - began, _most_mib()
    print(f"imports {base:.0f} MiB")
    print(f"rows {frozen.rows} processor {seconds:.1f} s, {most:.0f} MiB (at most {MOST_MIB})")
    if most > MOST_MIB:
        raise SystemExit("more memory than allowed")


def _most_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
