"""Progress of demo data that are being made, as files in the data folder.

The processes that make them write here, those that serve pages read it: no store is asked, and none
of them writes a file of another.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from survey.locale import Message, msg
from survey.settings import Settings
from survey.store.private_files import FOLDER_MODE

_PLANNED, _FAILED, _DONE_SUFFIX = "planned", "failed", ".done"


@dataclass(frozen=True)
class DemoProgress:
    """Number of a demonstration's waves that are complete, while its data are being made."""

    done: int
    total: int
    failed: bool = False
    """Whether the others will not come."""

    @property
    def message(self) -> Message:
        """Progress in one sentence, shown on every page."""
        if self.failed:
            return msg(
                "The demo data could not be completed: {done} of {total} surveys are there. The "
                "terminal that started the demonstration says why.",
                done=self.done,
                total=self.total,
            )
        return msg(
            "Demo data are still being made: {done} of {total} surveys are done. The others "
            "follow by themselves.",
            done=self.done,
            total=self.total,
        )


def begin_demo(settings: Settings, waves: Sequence[str]) -> None:
    """Record in the data folder that the demo data of these waves are being made."""
    folder = settings.demo_progress_dir
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=FOLDER_MODE, parents=True)
    (folder / _PLANNED).write_text("\n".join(waves), encoding="utf-8")


def record_demo_wave(settings: Settings, wave: str) -> None:
    """Record that a wave of the demonstration has its results."""
    (settings.demo_progress_dir / f"{wave}{_DONE_SUFFIX}").touch()


def record_demo_failure(settings: Settings) -> None:
    """Record that making the demo data has failed, so that no further wave will follow."""
    if settings.demo_progress_dir.is_dir():
        (settings.demo_progress_dir / _FAILED).touch()


def end_demo(settings: Settings, about: str) -> None:
    """Record that demo data are complete: write `about` to the marker file, delete the progress.

    Args:
        about: content of the marker, which says how the data were made.
    """
    settings.demo_marker.write_text(about, encoding="utf-8")
    shutil.rmtree(settings.demo_progress_dir, ignore_errors=True)


def find_demo_progress(settings: Settings) -> DemoProgress | None:
    """Return the progress of demo data that are being made; None if none are."""
    folder = settings.demo_progress_dir
    try:
        planned = (folder / _PLANNED).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    done = sum((folder / f"{wave}{_DONE_SUFFIX}").exists() for wave in planned)
    return DemoProgress(done, len(planned), (folder / _FAILED).exists())
