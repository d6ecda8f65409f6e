"""Progress of demo data: what the processes that make them write, and the others read."""

from pathlib import Path

from survey.operations.demo_progress import (
    DemoProgress,
    begin_demo,
    end_demo,
    find_demo_progress,
    record_demo_failure,
    record_demo_wave,
)
from survey.settings import Settings


def test_the_progress_is_told_from_the_first_wave_to_the_last(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="", _env_file=None)
    assert find_demo_progress(settings) is None
    begin_demo(settings, ("first", "second"))
    assert find_demo_progress(settings) == DemoProgress(0, 2)
    record_demo_wave(settings, "second")
    assert find_demo_progress(settings) == DemoProgress(1, 2)
    record_demo_failure(settings)
    assert find_demo_progress(settings) == DemoProgress(1, 2, failed=True)
    begin_demo(settings, ("first", "second"))
    assert find_demo_progress(settings) == DemoProgress(0, 2)
    end_demo(settings, "{}")
    assert find_demo_progress(settings) is None
    assert settings.demo_marker.read_text() == "{}"


def test_a_failure_is_recorded_only_of_data_that_are_being_made(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url="", _env_file=None)
    record_demo_failure(settings)
    assert find_demo_progress(settings) is None
