"""What `survey doctor` looks at, one module a part of the world."""

from collections.abc import Callable, Iterator

from survey.cli.examinations import files, machine, outside, store
from survey.cli.examinations.finding import Finding
from survey.settings import Settings

EXAMINATIONS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    machine.python,
    store.schema,
    store.connections,
    store.clock,
    files.data_folder,
    files.rights,
    files.disk_space,
    files.snapshots,
    store.second_factors,
    store.backups,
    outside.public_address,
    outside.keys,
    outside.demo,
    machine.catalogs,
    machine.fonts,
)
"""In the order in which they are told."""

__all__ = ["EXAMINATIONS", "Finding"]
