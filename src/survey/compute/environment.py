"""Versions of what takes part in a sum: the same figures need the same on every machine."""

import hashlib
import sys
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import survey

_PACKAGES = ("numpy", "pandas", "pyarrow", "scipy")

Environment = tuple[tuple[str, str], ...]
"""Pairs of a name and its version."""


@lru_cache(maxsize=1)
def describe_environment() -> Environment:
    """Return the versions of Python, of the packages that calculate, and of this package.

    Two checkouts may carry one version number, so the sources are hashed as well.
    """
    python = ".".join(map(str, sys.version_info[:2]))
    packages = ((name, version(name)) for name in _PACKAGES)
    return (("Python", python), *packages, ("survey", _hash_sources()))


def _hash_sources() -> str:
    """Return twelve digits of a hash over the modules of this package."""
    folder = Path(survey.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
