"""Office files and archives whose bytes follow from their content: fixed times and order."""

import io
import zipfile
from collections.abc import Mapping

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip archive can hold."""
_FIRST = "[Content_Types].xml"
_LEVEL = 6


def normalise_zip(content: bytes) -> bytes:
    """Return the zip archive `content` with members sorted and times fixed, so bytes repeat."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return write_zip({name: archive.read(name) for name in archive.namelist()})


def write_zip(members: Mapping[str, bytes], *, level: int = _LEVEL) -> bytes:
    """Return a zip archive of `members` (name -> content), compressed at `level`, names sorted."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name in sorted(members, key=lambda name: (name != _FIRST, name)):
            add_member(archive, name, members[name])
    return buffer.getvalue()


def add_member(
    archive: zipfile.ZipFile, name: str, content: bytes, packing: int = zipfile.ZIP_DEFLATED
) -> None:
    """Add a file to an archive with a fixed time and mode."""
    info = zipfile.ZipInfo(name, _EARLIEST)
    info.compress_type = packing
    info.create_system, info.external_attr = 3, 0o644 << 16
    archive.writestr(info, content)
