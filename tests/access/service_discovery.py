"""Every public service, found by looking: functions of the lower rooms that take a `Work`.

Those that take a session or a `SignIn` instead are parts of services, or take a secret that says
who asks.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

import pandas as pd
from sqlmodel import Session

import survey
from survey.access.principal import Principal
from survey.access.sessions import SignIn
from survey.access.work import Work

PACKAGES = (
    "access",
    "waves",
    "frame",
    "collection",
    "comparative_tests",
    "education",
    "experience_checks",
    "review",
    "snapshots",
    "disclosure",
    "results",
    "figures",
    "counts",
    "evidence_city",
    "rectification",
    "files",
    "reports",
    "release",
    "operations",
    "store",
)
_FOR_TYPES = MappingProxyType({"pd": pd})
"""Libraries that modules import for their types only, so that commands start without them."""


@dataclass(frozen=True)
class Service:
    """`asker` is the parameter that says who asks; None where there is none."""

    name: str
    function: Callable[..., Any]
    hints: dict[str, Any]
    asker: str | None

    def __str__(self) -> str:
        return self.name


@cache
def services() -> tuple[Service, ...]:
    return tuple(sorted(_find_services(), key=lambda service: service.name))


def _find_services() -> Iterator[Service]:
    for room in PACKAGES:
        package = importlib.import_module(f"survey.{room}")
        inner = pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}.")
        for module in (package.__name__, *(each.name for each in inner)):
            if ".migrations" in module or module.endswith("__main__"):
                continue
            for name, function in vars(importlib.import_module(module)).items():
                own = inspect.isfunction(function) and function.__module__ == module
                if own and not name.startswith("_"):
                    service = _service(f"{module.removeprefix('survey.')}.{name}", function)
                    if service is not None:
                        yield service


def _service(name: str, function: Callable[..., Any]) -> Service | None:
    hints = get_type_hints(function, localns=dict(_FOR_TYPES))
    parameters = {key: hints.get(key) for key in inspect.signature(function).parameters}
    if not {Session, SignIn, Work} & set(parameters.values()):
        return None
    asker = next((key for key, hint in parameters.items() if _says_who_asks(hint)), None)
    return Service(name, function, parameters, asker)


def _says_who_asks(hint: Any) -> bool:
    return hint in (Work, Principal) or Principal in getattr(hint, "__args__", ())


SOURCE = survey.__path__[0]
