"""Typeface for Chinese text in exported charts and printed sheets.

The product installs a package that brings Noto Sans SC; a face of the machine is second choice.
"""

import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_PACKAGE, _PACKAGE_FILE, _PACKAGE_FAMILY = (
    "pylopdf_fonts_zh_cn",
    "NotoSansSC-Regular.otf",
    "Noto Sans SC",
)
_PREFERRED = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei")


@dataclass(frozen=True)
class Font:
    """Typeface; `source` is `package`, `system`, or `none`, and `family` then empty."""

    family: str
    source: str
    file: Path | None = None

    @property
    def covers_chinese(self) -> bool:
        return self.source != "none"


def _find_packaged_font() -> Font | None:
    spec = find_spec(_PACKAGE)
    for folder in spec.submodule_search_locations or () if spec else ():
        file = Path(folder) / _PACKAGE_FILE
        if file.is_file():
            return Font(_PACKAGE_FAMILY, "package", file)
    return None


def _find_system_font() -> Font | None:
    lister = shutil.which("fc-list")
    if lister is None:
        return None
    command = [lister, ":lang=zh-cn", "family", "file"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    faces: dict[str, Path] = {}
    for line in listed.splitlines():
        file, _, names = line.partition(": ")
        for name in names.split(","):
            faces.setdefault(name.strip(), Path(file))
    faces.pop("", None)
    family = next((name for name in _PREFERRED if name in faces), next(iter(sorted(faces)), None))
    return Font(family, "system", faces[family]) if family else None


@lru_cache(maxsize=1)
def chinese_font() -> Font:
    """Return the typeface for Chinese text in exported files."""
    return _find_packaged_font() or _find_system_font() or Font("", "none")
