"""A demo store whose main wave has as many frozen responses as wanted.

Pages read the cells of a snapshot and never a response, so the responses of the large wave are
frozen straight from the generator, without 620,000 rows in the database first.
"""

import argparse
import sys
from pathlib import Path

from survey.access.principal import OPERATOR
from survey.results.freeze import freeze_frame
from survey.settings import PROJECT_ROOT, Settings
from survey.snapshots.snapshot_files import FreezeOptions
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from survey.waves.waves import get_wave
from tests.work_of import work_of

WAVE = "main-2024"


def replace_wave(settings: Settings, responses: int) -> None:
    """Give the wave a newer snapshot of `responses` interviews."""
    sys.path.insert(0, str(PROJECT_ROOT))
    from seed.demo.interviews import generate_wave

    frame = generate_wave(WAVE, n=responses).approved
    with session_scope(settings.store_url) as session:
        wave = get_wave(session=session, key=WAVE)
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=settings),
            wave=wave,
            frame=frame,
            options=FreezeOptions(final=True, release=True),
        )
    dispose_engines()


def main() -> None:
    parser = argparse.ArgumentParser(description="Freeze a large wave into a demo store.")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("responses", type=int)
    chosen = parser.parse_args()
    replace_wave(Settings(data_dir=chosen.data_dir, database_url="", demo=True), chosen.responses)


if __name__ == "__main__":
    main()
