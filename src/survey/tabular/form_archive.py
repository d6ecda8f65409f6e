"""Files that come with a questionnaire: in one .zip with its workbook, or in the same folder.

As other tools write them, they may also be in a folder named after the workbook: `form-media`.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from survey.locale import msg
from survey.tabular.workbook_safety import (
    FORM_LIMITS,
    MAX_ENTRIES,
    MAX_FILE,
    MAX_UNPACKED,
    CheckedWorkbook,
    WorkbookError,
    build_too_large_error,
    check_form_file,
    open_workbook,
    read_limited,
)

_UTF8_NAME = 0x800
"""Flag of an entry whose name is in UTF-8; Windows in China writes GBK without it."""


def open_form(source: Path) -> CheckedWorkbook:
    """Return the checked workbook at a path, with the files of its archive or of its folder."""
    if source.suffix.lower() == ".zip":
        return check_form(source.name, read_limited(source))

    def find_beside(name: str) -> bytes | None:
        if PurePosixPath(name).name != name:
            return None
        for file in (source.parent / name, source.with_name(f"{source.stem}-media") / name):
            if file.is_file() and file.stat().st_size <= MAX_FILE:
                return file.read_bytes()
        return None

    return replace(open_workbook(source), find_file=find_beside)


def check_form(name: str, content: bytes) -> CheckedWorkbook:
    """Return the checked workbook in an upload: the file itself, or one in an archive."""
    if Path(name).suffix.lower() != ".zip":
        return check_form_file(name, content)
    if len(content) > MAX_FILE:
        raise build_too_large_error(FORM_LIMITS)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = _unpack(archive)
    except WorkbookError:
        raise
    except Exception as error:
        # A damaged archive fails in as many ways as zipfile, zlib and struct have errors.
        raise WorkbookError(msg("“{name}” is damaged or no .zip file.", name=name)) from error
    workbooks = [each for each in files if each.lower().endswith((".xlsx", ".xls", ".xlsm"))]
    if len(workbooks) != 1:
        raise WorkbookError(
            msg("“{name}” has to hold one workbook, not {count}.", name=name, count=len(workbooks))
        )
    workbook = check_form_file(workbooks[0], files[workbooks[0]])
    return replace(workbook, find_file=files.get, file_names=frozenset(files) - {*workbooks})


def _unpack(archive: zipfile.ZipFile) -> Mapping[str, bytes]:
    """Return the files of an archive by their names without folders."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise build_too_large_error(FORM_LIMITS)
    files: dict[str, bytes] = {}
    room = MAX_UNPACKED
    for entry in entries:
        name = PureWindowsPath(_read_name(entry)).name  # parted by / and by \
        if entry.is_dir() or name.startswith(".") or entry.filename.startswith("__MACOSX/"):
            continue
        if name in files:
            raise WorkbookError(msg("“{name}” is in the archive twice.", name=name))
        # The size that the archive states may be wrong.
        with archive.open(entry) as stream:
            files[name] = stream.read(room + 1)
        room -= len(files[name])
        if room < 0:
            raise build_too_large_error(FORM_LIMITS)
    return files


def _read_name(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename
