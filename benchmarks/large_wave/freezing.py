"""The last freeze of the large wave: processor and memory of every look at its parts, and bytes.

SURVEY_DATABASE_URL=… SURVEY_DATA_DIR=… python -m benchmarks.large_wave.freezing
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from benchmarks.large_wave.filling import KEY
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.results.freeze import freeze_wave
from survey.results.freeze_reading import FreezeStage
from survey.settings import current_settings
from survey.snapshots.response_files import is_response_file
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.tables import WaveState
from survey.store.transactions import run_in_transaction
from survey.waves.waves import close_wave, get_wave

_STATUS, _PEAK_RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"


class FreezeMeter:
    """Prints what each stage took of the processor, and the most resident memory within it.

    Linux forgets the highest memory of a process when it is asked to.
    """

    def __init__(self) -> None:
        self._looks = 0
        self._name = "before the first file"
        self._start()

    def _start(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()
        _PEAK_RESET.write_text(_FORGET_PEAK)

    def begin(self, name: str) -> None:
        """End the stage before and begin another."""
        wall = time.perf_counter() - self._wall
        processor = time.process_time() - self._processor
        print(
            f"{self._name}: {processor:.1f} s of processor, {wall:.0f} by the clock,"
            f" at most {_peak_megabytes():.0f} MB; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        self._name = name
        self._start()

    def tick(self, stage: FreezeStage, done: int, total: int) -> None:
        """Note the progress of a freeze."""
        if stage is FreezeStage.READING:
            if done == 0:
                self.begin(f"reading {total} files")
        elif done == 0:
            self._looks += 1
            self.begin(f"look {self._looks} at {total} parts")
        elif done == total:
            self.begin(f"after look {self._looks}")


def _peak_megabytes() -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    settings = current_settings()
    run_in_transaction(settings.store_url, _close)
    meter = FreezeMeter()
    frozen = freeze_wave(
        settings, wave_key=KEY, actor=OPERATOR, tick=meter.tick, options=FreezeOptions(final=True)
    )
    meter.begin("end")
    print(frozen)
    files = [path for path in settings.snapshot_dir.rglob("*") if path.is_file()]
    responses = [path for path in files if is_response_file(path.name)]
    print(f"{len(responses)} files of responses: {_megabytes(responses):,.1f} MB")
    for path in sorted(set(files) - set(responses)):
        print(f"  {path.name:24} {_megabytes([path]):8,.1f} MB")


def _megabytes(paths: list[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


def _close(session: Session) -> None:
    """Close the wave, if an earlier call has not."""
    if get_wave(session=session, key=KEY).state is WaveState.OPEN:
        close_wave(Work(session, OPERATOR, datetime.now(UTC), current_settings()), key=KEY)


if __name__ == "__main__":
    main()
