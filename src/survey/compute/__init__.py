"""Where the parts of a wave are summed: engines that apply one function to every part."""

from survey.compute.engine import Engine, open_engine
from survey.compute.local import LocalEngine
from survey.compute.part_files import (
    EngineError,
    FilesUnavailableError,
    SharedFolder,
    list_files,
    open_file,
    try_shared_folder,
)
from survey.compute.spark import SparkEngine

__all__ = [
    "Engine",
    "EngineError",
    "FilesUnavailableError",
    "LocalEngine",
    "SharedFolder",
    "SparkEngine",
    "list_files",
    "open_engine",
    "open_file",
    "try_shared_folder",
]
