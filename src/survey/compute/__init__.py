"""Where the parts of a wave are summed: engines that apply one function to every part."""

from survey.compute.engine import Engine, EngineUnknownError, open_engine
from survey.compute.local import LocalEngine

__all__ = ["Engine", "EngineUnknownError", "LocalEngine", "open_engine"]
