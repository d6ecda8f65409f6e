"""Where mutation starts: a good input for each parser, and inputs made to hurt."""

import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from openpyxl import Workbook

from survey.settings import PROJECT_ROOT

WORKBOOKS = ("answers_table", "plan_workbook", "point_list", "questionnaire")
JSON = ("submission", "answers", "keying")
_MAIN = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
_ENVELOPE = {
    "client_uuid": "6f1c0b8e-7d5a-4a52-9d0e-0d6a3a0c9f11", "instrument_sha256": "0" * 64,
    "started_at": "2026-05-20T03:00:00Z", "answers": {"consent": "yes"}, "timings": {"consent": 2},
}  # fmt: skip


@cache
def workbook() -> bytes:
    book = Workbook()
    page = book.active
    page.title = "points"
    page.append(["type", "name", "label", "city", "code"])
    page.append(["text", "a", "A", "110000", "x"])
    page.append(["integer", "b", "B", 1.5, True])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def pack_form(choices: bytes = b"name,label\na,A\n") -> bytes:
    """Return an archive of the good workbook and a file with choices."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("form.xlsx", workbook())
        archive.writestr("list.csv", choices)
    return buffer.getvalue()


def valid_inputs(target: str) -> bytes:
    """Something that the parser takes, or nearly."""
    if target in WORKBOOKS:
        return workbook()
    seeds = {
        "expression": b"if(${a} >= 1.5 and not(selected(${b}, 'x')), count-selected(.), -2)",
        "pattern": rb"^(\d{3}|[a-z]+?)(-[^x]{1,4})*$",
        "submission": json.dumps(_ENVELOPE).encode(),
        "answers": json.dumps({"consent": "yes", "age": 30, "topics": ["a"]}).encode(),
        "keying": json.dumps({**_ENVELOPE, "sheet": {"serial": "1", "round": 1}}).encode(),
        "form_archive": pack_form(),
        "choice_file": 'name,label,\u7701\n1,A,x\n2,"B",y\n'.encode(),
        "token": b"Zm9vYmFy-_0123456789",
        "mapping": b"column,item\nQ1,consent\n",
        "tree": (PROJECT_ROOT / "seed" / "trees" / "cca-2023.csv").read_bytes(),
        "wire": b"POST /api/responses?a=b HTTP/1.1\r\nHost: a\r\nCookie: survey_session=x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    }
    return seeds[target]


def repack_workbook(changes: dict[str, bytes]) -> bytes:
    """The good workbook with some of its parts replaced or added."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook())) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            new.writestr(name, content)
    return buffer.getvalue()


def nasty_inputs(target: str) -> Iterator[tuple[str, bytes]]:
    """Inputs that take a careless parser down: small to send, large or slow to read."""
    yield "empty", b""
    yield "nul", b"\x00" * 1000
    yield "no text", bytes(range(256)) * 40
    yield "long", b"a" * 1_000_000
    if target in WORKBOOKS:
        yield from _workbooks().items()
    elif target in JSON:
        yield from _documents()
    elif target in {"expression", "pattern"}:
        yield from _expressions()
    elif target == "wire":
        yield from _heads()
    if target == "form_archive":
        yield "zip bomb in the archive", pack_form(b"0" * 70_000_000)
        yield "archive in the archive", pack_form(pack_form())
    if target in {"answers_table", "mapping", "choice_file", "tree"}:
        yield from _tables()


@cache
def _workbooks() -> dict[str, bytes]:
    return dict(_made_workbooks())


def _made_workbooks() -> Iterator[tuple[str, bytes]]:
    sheet, strings = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
    yield "zip bomb", repack_workbook({sheet: b"0" * 60_000_000})
    laughs = b"".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">'.encode() for n in range(1, 10))
    head = b'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY l0 "ha">' + laughs + b"]>"
    yield (
        "billion laughs",
        repack_workbook({strings: head + _MAIN.encode() + b"<si><t>&l9;</t></si></sst>"}),
    )
    many = b"<si><t>" + b"x" * 200 + b"</t></si>"
    yield "shared strings", repack_workbook({strings: _MAIN.encode() + many * 300_000 + b"</sst>"})
    deep = b"<r>" * 200_000
    yield "deep", repack_workbook({strings: _MAIN.encode() + b"<si>" + deep})
    far = b'<c r="XFD1048576"><v>1</v></c>'
    rows = b"".join(b'<row r="%d">%s</row>' % (n, far) for n in range(1, 400))
    start = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    )
    yield "far cells", repack_workbook({sheet: start + rows + b"</sheetData></worksheet>"})
    huge = b'<row r="1"><c r="A1"><v>' + b"9" * 5_000_000 + b"</v></c></row>"
    yield "huge number", repack_workbook({sheet: start + huge + b"</sheetData></worksheet>"})
    yield (
        "external",
        repack_workbook({strings: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'}),
    )
    yield "half", workbook()[: len(workbook()) // 2]


def _documents() -> Iterator[tuple[str, bytes]]:
    yield "deep lists", b"[" * 100_000 + b"]" * 100_000
    yield "deep maps", b'{"a":' * 100_000
    yield (
        "deep answer",
        json.dumps({**_ENVELOPE, "answers": "@"})
        .encode()
        .replace(b'"@"', b'{"consent":' + b"[" * 900 + b"]" * 900 + b"}"),
    )
    yield "huge number", b'{"age": ' + b"9" * 400_000 + b"}"
    yield "exponent", b'{"age": 1e999999999}'
    yield "surrogate", b'{"consent": "\\ud800"}'
    yield "many names", b"{" + b",".join(b'"a%d":1' % n for n in range(100_000)) + b"}"


def _expressions() -> Iterator[tuple[str, bytes]]:
    yield "brackets", b"(" * 100_000
    yield "nots", b"not(" * 50_000 + b"1" + b")" * 50_000
    yield "minus", b"-" * 100_000 + b"1"
    yield "chain", b" + ".join([b"1"] * 50_000)
    yield "number", b"9" * 400_000
    yield "backtracking", b"(a+)+" * 200 + b"$"
    yield "counted", b"((a{1,100}){1,100}){1,100}"
    yield "quoted", b"'" + b"\\" * 10_000
    yield "class", b"[" + b"\\d" * 10_000


def _heads() -> Iterator[tuple[str, bytes]]:
    yield "endless head", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300_000
    yield "endless line", b"GET /" + b"a" * 2_000_000
    yield "cookie", b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"a=b; " * 500_000 + b"\r\n\r\n"
    yield (
        "chunks",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"1\r\na\r\n" * 100_000),
    )
    yield "length", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 100_000 + b"\r\n\r\n"
    yield "upgrade", b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n\x00"


def _tables() -> Iterator[tuple[str, bytes]]:
    yield "one quote", b'a,b\n"' + b"x,y\n" * 200_000
    yield "many columns", b"," * 1_000_000
    yield "many rows", b"a\n" * 100_000
    yield "field", b"a,b\n" + b"x" * 3_000_000 + b",1\n"
    yield "utf-16", "a,b\n1,2".encode("utf-16")


def save_input(folder: Path, target: str, content: bytes) -> Path:
    """Keep an input that was found, under a name that says nothing of its content."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}-{len(list(folder.iterdir())):03d}.bin"
    path.write_bytes(content)
    return path
