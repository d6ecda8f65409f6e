"""Safety checks of an uploaded file before any library parses it.

Everything here looks at bytes and at the directory of the archive. The limits also bound the time
that reading takes, because the libraries behind read in time proportional to what is let through.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from survey.locale import SurveyError, msg

MAX_FILE = 10 * 2**20
MAX_ENTRIES = 2_000
MAX_PART = 24 * 2**20
MAX_UNPACKED = 64 * 2**20
MAX_ROWS = 40_000
MAX_CELLS = 800_000
MAX_COLUMNS = 16_384
"""As many as a sheet has; a text file could hold millions, each of which takes memory."""
MAX_UNPACK_RATIO, MIN_BOMB_BYTES = 200, 2**24
"""Sheets unpack to 10-40 times their packed size; what unpacks to more is made to hurt."""
_CHUNK_BYTES = 2**16
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACRO_KINDS = (b"excel.sheet.macroEnabled", b"excel.template.macroEnabled")
_WITH_MACROS = (".xlsm", ".xltm", ".xlsb", ".xlam")
_READABLE = (".xlsx", ".xls", ".csv", ".md")


class WorkbookError(SurveyError):
    """Raised when a file must not be parsed: damaged, encrypted, too large, or with macros."""

    code = "workbook"


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """Limits of a workbook: packed, per part and unpacked size in bytes; rows and cells."""

    file: int = MAX_FILE
    part: int = MAX_PART
    unpacked: int = MAX_UNPACKED
    rows: int = MAX_ROWS
    cells: int = MAX_CELLS


FORM_LIMITS = WorkbookLimits()
"""A questionnaire is small; whoever reads tables of answers brings limits of its own."""


@dataclass(frozen=True, slots=True)
class CheckedWorkbook:
    """Content of a file that passed the safety checks, with its suffix and its name without it."""

    content: bytes
    suffix: str
    stem: str
    find_file: Callable[[str], bytes | None] = field(default=lambda _name: None, compare=False)
    """Returns the content of a file that came with it; None if there is none of that name."""
    file_names: frozenset[str] = frozenset()
    """Names of the other files of its archive."""


def open_workbook(source: Path) -> CheckedWorkbook:
    """Return the checked questionnaire file at a path; raise `WorkbookError` if it is unsafe."""
    _check_suffix(source.name)
    return check_form_file(source.name, read_limited(source))


def check_form_file(name: str, content: bytes) -> CheckedWorkbook:
    """Return a checked questionnaire file; raise `WorkbookError` if it must not be parsed."""
    _check_suffix(name)
    if len(content) > MAX_FILE:
        raise build_too_large_error(FORM_LIMITS)
    if not content:
        raise WorkbookError(msg("“{name}” is empty.", name=name))
    suffix = Path(name).suffix.lower()
    if suffix in (".xlsx", ".xls"):
        suffix = check_spreadsheet(content)
    else:
        _check_text(name, content)
    return CheckedWorkbook(content, suffix, Path(name).stem)


def _check_suffix(name: str) -> None:
    """Raise `WorkbookError` if a file's name has a suffix that is not accepted."""
    suffix = Path(name).suffix.lower()
    if suffix in _WITH_MACROS:
        raise _build_macro_error()
    if suffix not in _READABLE:
        raise WorkbookError(
            msg("“{name}” is not an .xlsx, .xls, .csv, .md or .zip file.", name=name)
        )


def check_excel_upload(name: str, content: bytes) -> CheckedWorkbook:
    """Return a checked .xlsx upload; raise `WorkbookError` if it must not be parsed."""
    if Path(name).suffix.lower() in _WITH_MACROS:
        raise _build_macro_error()
    if check_spreadsheet(content) != ".xlsx":
        raise WorkbookError(msg("“{name}” is an old .xls file. Save it as .xlsx.", name=name))
    return CheckedWorkbook(content, ".xlsx", Path(name).stem)


def read_limited(source: Path) -> bytes:
    """Return a file's first `MAX_FILE` + 1 bytes, enough to see that it is too large."""
    try:
        with source.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except OSError as error:
        raise WorkbookError(
            msg("“{name}” cannot be read: {reason}", name=source.name, reason=error.strerror)
        ) from error


def check_spreadsheet(content: bytes, limits: WorkbookLimits = FORM_LIMITS) -> str:
    """Return `.xlsx` or `.xls` by content; raise `WorkbookError` if unsafe or above `limits`."""
    if len(content) > limits.file:
        raise build_too_large_error(limits)
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise _build_encrypted_error()
        if "_VBA_PROJECT".encode("utf-16-le") in content:
            raise _build_macro_error()
        return ".xls"
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise WorkbookError(msg("The file is damaged or not an Excel workbook."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_archive(archive, limits)
    except WorkbookError:
        raise
    except Exception as error:
        # A damaged archive fails in as many ways as zipfile, zlib and struct have errors.
        raise WorkbookError(msg("The file is damaged or not an Excel workbook.")) from error
    return ".xlsx"


def _check_text(name: str, content: bytes) -> None:
    if b"\x00" in content:
        raise WorkbookError(msg("“{name}” is not a text file.", name=name))
    if max(content.count(b"\n"), content.count(b"\r")) > MAX_ROWS:
        raise _build_too_many_error(FORM_LIMITS)
    if any(max(line.count(b","), line.count(b"|")) > MAX_COLUMNS for line in content.splitlines()):
        raise _build_too_many_error(FORM_LIMITS)


def _check_archive(archive: zipfile.ZipFile, limits: WorkbookLimits) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise build_too_large_error(limits)
    names = {entry.filename.lower() for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise _build_encrypted_error()
    if any("vbaproject" in name or "/macrosheets/" in name for name in names):
        raise _build_macro_error()
    if not {"xl/workbook.xml", "[content_types].xml"} <= names:
        raise WorkbookError(msg("The file is damaged or not an Excel workbook."))
    _check_parts(archive, entries, limits)


def _check_parts(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], limits: WorkbookLimits
) -> None:
    unpacked = rows = cells = 0
    for entry in entries:
        name = entry.filename.lower()
        is_xml = name.endswith((".xml", ".rels", ".vml"))
        part = _LimitedPart()
        for chunk in _iter_chunks(archive, entry):
            unpacked += len(chunk)
            part.add_bytes(chunk, is_xml)
            if part.size > limits.part or unpacked > limits.unpacked or _is_bomb(part, entry):
                raise build_too_large_error(limits)
        if name.startswith("xl/worksheets/"):
            rows, cells = rows + part.rows, cells + part.cells
        if name == "[content_types].xml" and part.has_macros:
            raise _build_macro_error()
    if rows > limits.rows or cells > limits.cells:
        raise _build_too_many_error(limits)


def _is_bomb(part: "_LimitedPart", entry: zipfile.ZipInfo) -> bool:
    """Return whether a part, from 16 MB on, unpacks to over 200 times its packed size."""
    return part.size > max(MIN_BOMB_BYTES, MAX_UNPACK_RATIO * entry.compress_size)


def _iter_chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a part's unpacked bytes in chunks; the size that the archive states may be wrong."""
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


class _LimitedPart:
    """Size, rows, cells and macros counted in one part of the archive while it is unpacked."""

    def __init__(self) -> None:
        self.size = self.rows = self.cells = 0
        self.has_macros = False
        self.tail = b""

    def add_bytes(self, chunk: bytes, is_xml: bool) -> None:
        if is_xml and self.size == 0:
            _check_encoding(chunk)
        self.size += len(chunk)
        seen = self.tail + chunk
        if is_xml and (b"<!DOCTYPE" in seen or b"<!ENTITY" in seen):
            raise WorkbookError(msg("The workbook declares XML entities, which no form needs."))
        self.has_macros = self.has_macros or any(kind in seen for kind in _MACRO_KINDS)
        self.rows += chunk.count(b"<row")
        self.cells += chunk.count(b"<c ")
        self.tail = seen[-64:]


def _check_encoding(start: bytes) -> None:
    """Raise `WorkbookError` if XML that begins with `start` is not UTF-8: it could hide parts."""
    if b"\x00" in start or start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise WorkbookError(msg("The file is damaged or not an Excel workbook."))
    head = start[:200].lower()
    if b"encoding=" in head and b"utf-8" not in head and b"ascii" not in head:
        raise WorkbookError(msg("The file is damaged or not an Excel workbook."))


def build_too_large_error(limits: WorkbookLimits) -> WorkbookError:
    """Return the error that says how large a workbook may be."""
    return WorkbookError(
        msg(
            "The workbook is too large: at most {packed} MB, and {unpacked} MB when unpacked.",
            packed=limits.file // 2**20,
            unpacked=limits.unpacked // 2**20,
        )
    )


def _build_too_many_error(limits: WorkbookLimits) -> WorkbookError:
    return WorkbookError(
        msg(
            "The workbook has more than {rows} rows or {cells} cells.",
            rows=limits.rows,
            cells=limits.cells,
        )
    )


def _build_encrypted_error() -> WorkbookError:
    return WorkbookError(
        msg("The workbook is protected by a password. Save it without one and try again.")
    )


def _build_macro_error() -> WorkbookError:
    return WorkbookError(
        msg("The workbook contains macros. Save it as “Excel workbook (.xlsx)” and try again.")
    )
