"""Requests that nobody with good intentions sends, in families; none of them may change anything.

Each case names the statuses that are a clear refusal of it. `{token}` in a path or a body stands
for a link that is usable, so that nothing but the hostile part speaks against the request.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

API = "/api/responses"
JSON = {"Content-Type": "application/json"}
TOKEN = "{token}"
TEXT = "x" * 10_000

Document = dict[str, Any]


@dataclass(frozen=True)
class HostileRequest:
    name: str
    method: str
    path: str
    statuses: frozenset[int]
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def post(name: str, body: bytes, *statuses: int, **headers: str) -> HostileRequest:
    sent = {**JSON, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return HostileRequest(name, "POST", API, frozenset(statuses), body, sent)


def changed(document: Document, **changes: Any) -> bytes:
    return json.dumps({**document, **changes}).encode()


STRANGE: dict[str, Any] = {
    "null": None, "true": True, "zero": 0, "minus": -1, "float": 1.5, "huge": 10**30,
    "blank": " ", "nul": "\x00", "list": [], "nested": [[["x"]]], "map": {"$ne": None},
    "long": TEXT, "path": "../../etc/passwd", "sql": "' OR 1=1; DROP TABLE response; --",
    "script": "<script>alert(1)</script>", "formula": '=HYPERLINK("http://evil.example","x")',
    "template": "${7*7}{{7*7}}%s%n", "rtl": "\u202e\u2066abc", "bool text": "true",
}  # fmt: skip

MAY_BE = {
    # Values of STRANGE that these fields may have by their rules.
    "language": {
        "null": False, "blank": True, "nul": True, "bool text": True, "path": True, "rtl": True,
    },
    "finished_at": {"null": True},
    "point_id": {"null": True},
}  # fmt: skip


def envelopes(document: Document) -> Iterator[HostileRequest]:
    """Every field of the envelope with values of every other kind."""
    for name in (
        "client_uuid",
        "token",
        "point_id",
        "instrument_sha256",
        "language",
        "started_at",
        "finished_at",
        "answers",
        "timings",
    ):
        for label, value in STRANGE.items():
            if MAY_BE.get(name, {}).get(label) or (name == "timings" and value == {}):
                continue
            yield post(f"{name} is {label}", changed(document, **{name: value}), 400, 404, 409, 422)
        if name not in {"language", "finished_at", "point_id", "timings"}:
            less = {key: value for key, value in document.items() if key != name}
            yield post(f"no {name}", json.dumps(less).encode(), 400)
    for name in ("is_admin", "status", "surveyor_id", "wave_id", "__proto__", "constructor"):
        yield post(f"an extra {name}", changed(document, **{name: "x"}), 400)
    many = {f"a{number}": 1 for number in range(1001)}
    yield post("too many answers", changed(document, answers=many), 400)
    yield post("too many timings", changed(document, timings=many), 400)
    yield post("a name too long", changed(document, answers={TEXT: 1}), 400)


def answers(document: Document) -> Iterator[HostileRequest]:
    """Every question with answers of every wrong kind, and routes that cannot be."""
    complete = document["answers"]
    wrong: dict[str, list[Any]] = {
        "quality": [11, 0, -3, 8.5, "8", True, [8], {"a": 8}, 2**53, 10**300, "dont know", "=1+1"],
        "service": [12, "refused", "NA", "", None, [], False, "８"],
        "gender": ["Female", "femal", "女", 1, True, ["female"], {"female": True}, "male,female"],
        "topics": ["food", ["weapons"], [1], [["food"]], {"food": 1}, [None], ["food", 7], 3],
        "birth_year": [1850, 2012, 1990.5, "1990", -1990, 10**15, 10**300, [1990], True, "=1990"],
        "consent": ["maybe", True, 1, None, ["yes"], "YES", " yes", {}],
        "complained": ["yes", None, "perhaps", 0],
        "comment": [7, True, ["text"], {"text": "x"}, "长" * 20_000],
        "lived_6m": ["", None, "yes\x00", "да", 1e308],
    }
    for name, values in wrong.items():
        for number, value in enumerate(values):
            body = changed(document, answers={**complete, name: value})
            yield post(f"{name} answered wrongly {number}", body, 400, 413, 422)
        if name not in {"comment", "topics"}:
            less = {key: value for key, value in complete.items() if key != name}
            yield post(f"{name} left out", changed(document, answers=less), 422)


def broken_json(document: Document) -> Iterator[HostileRequest]:
    """Bodies that are not JSON, or only nearly."""
    whole = json.dumps(document)
    for part in range(1, 16):
        cut = whole[: len(whole) * part // 16].encode()
        yield post(f"cut after {part}/16", cut, 400)
    texts = {
        "nothing": "", "a space": " ", "null": "null", "a list": f"[{whole}]", "a number": "1",
        "a text": json.dumps(whole), "twice": whole + whole, "garbage after": whole + "x",
        "a comma too many": whole[:-1] + ",}", "a comment": "/* */" + whole, "NaN": '{"a": NaN}',
        "Infinity": '{"a": Infinity}', "-Infinity": '{"a": -Infinity}', "hex": '{"a": 0x10}',
        "plus": '{"a": +1}', "leading zero": '{"a": 01}', "single quotes": whole.replace('"', "'"),
        "lone surrogate": '{"a": "\\ud800"}', "half an escape": '{"a": "\\u12"}',
        "raw newline": '{"a": "\n"}', "deep lists": "[" * 100_000, "deep maps": '{"a":' * 20_000,
        "deep and closed": "[" * 5000 + "]" * 5000, "bom": "\ufeff" + whole, "yaml": "a: 1",
        "xml": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "form": "a=1&b=2",
        "last token counts": whole[:-1] + ', "token": "other"}',
        "last answers count": whole[:-1] + ', "answers": {}}',
        "deep answers": whole[:-1] + ', "answers": {"quality": ' + "[" * 900 + "]" * 900 + "}}",
        "a number without end": whole[:-1] + ', "answers": {"quality": ' + "9" * 100_000 + "}}",
    }  # fmt: skip
    for name, text in texts.items():
        yield post(name, text.encode(), 400, 404, 422)
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7"):
        sent = whole.encode(encoding)
        if encoding != "utf-7":
            yield post(f"in {encoding}", sent, 400)
    comment = changed(document, answers={**document["answers"], "comment": "还行"}).decode()
    readable = json.dumps(json.loads(comment), ensure_ascii=False)
    yield post("in gbk", readable.encode("gbk"), 400)
    for name, raw in {
        "latin-1": b'{"a": "\xe9"}',
        "overlong": b'{"a": "\xc0\xaf"}',
        "surrogates in utf-8": b'{"a": "\xed\xa0\x80"}',
        "beyond unicode": b'{"a":"\xf5\x80\x80"}',
        "binary": bytes(range(256)),
        "zip": b"PK\x03\x04" + b"\x00" * 100,
    }.items():
        yield post(name, raw, 400)


def carriers(document: Document) -> Iterator[HostileRequest]:
    """Right content in wrong clothes: media types, encodings, sizes, other sites."""
    whole = json.dumps(document).encode()
    for media_type in (
        "text/plain",
        "text/html",
        "application/xml",
        "multipart/form-data; boundary=x",
        "json",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json,text/plain",
        "application/vnd.api+json",
        "*/*",
        "\xff",
    ):
        yield post(f"as {media_type!r}", whole, 415, Content_Type=media_type)
    bomb = gzip.compress(b" " * 20_000_000)
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        yield post(f"a bomb in {encoding}", bomb, 400, 415, Content_Encoding=encoding)
    yield post("compressed", gzip.compress(whole), 400, 415, Content_Encoding="gzip")
    yield post("too large", b'{"a": "' + b"x" * 300_000 + b'"}', 413)
    yield post("spaces without end", whole + b" " * 300_000, 413)
    for name, headers in {
        "cross-site": {"Sec_Fetch_Site": "cross-site"},
        "same-site": {"Sec_Fetch_Site": "same-site"},
        "odd site": {"Sec_Fetch_Site": "x"},
        "an origin": {"Origin": "https://evil.example"},
        "null origin": {"Origin": "null"},
        "other port": {"Origin": "http://testserver:81"},
        "other host": {"Origin": "http://testserver.evil.example"},
    }.items():
        yield post(f"from {name}", whole, 403, **headers)


NOT_TOKENS = (
    "nothing", "x" * 22, "A" * 5000, TOKEN + "x", TOKEN + "=", "x" + TOKEN, TOKEN.upper() + "_",
    "%00", TOKEN + "%00", "%20" + TOKEN, TOKEN + "%0d%0aSet-Cookie:%20a=b", "..", "%2e%2e",
    "..%2f..%2fetc%2fpasswd", "%c0%ae", "%ff", "%ed%a0%80", "１２３", "<script>", "' OR 1=1 --",
    "%F0%9F%92%A9", "null", "0", "*", "{token", "${token}",
)  # fmt: skip


def tokens(document: Document) -> Iterator[HostileRequest]:
    """Links that were guessed, cut off, lengthened."""
    for token in NOT_TOKENS:
        yield HostileRequest(f"open {token[:30]}", "GET", f"/q/{token}", frozenset({404}))
        yield post(f"send with {token[:30]}", changed(document, token=token), 400, 404)


GET_ONLY = ("/form/0.json", "/assets/form.js", "/health", "/ready")
BOTH = ("/q/{token}", "/auth/demo", "/auth/logout")
DEVICE = "0123456789abcdef" * 4
CLAIMS = {
    "nothing": b"", "no JSON": b"device", "nul": b"\x00", "list": b"[]", "null": b"null",
    "no device": b"{}", "short": b'{"device": "abc"}', "number": b'{"device": 7}',
    "capitals": json.dumps({"device": DEVICE.upper()}).encode(),
    "longer": json.dumps({"device": DEVICE + "0"}).encode(),
    "line end": json.dumps({"device": DEVICE + "\n"}).encode(),
    "more": json.dumps({"device": DEVICE, "surveyor": "me"}).encode(),
    "no yes or no": json.dumps({"device": DEVICE, "page": "please"}).encode(),
    "large": json.dumps({"device": DEVICE * 1_000}).encode(),
    "deep": b"[" * 5_000,
}  # fmt: skip


def claims(_: Document) -> Iterator[HostileRequest]:
    """What a page says of its device, when it is no page of ours."""
    for name, body in CLAIMS.items():
        yield HostileRequest(f"claim {name}", "POST", "/q/{token}", frozenset({403}), body, JSON)
    proper = json.dumps({"device": DEVICE}).encode()
    elsewhere = {**JSON, "Origin": "https://elsewhere.example"}
    yield HostileRequest(
        "claim elsewhere", "POST", "/q/{token}", frozenset({403}), proper, elsewhere
    )
    for token in NOT_TOKENS:
        name = f"claim the link {token[:30]}"
        yield HostileRequest(name, "POST", f"/q/{token}", frozenset({404}), proper, JSON)


def methods(_: Document) -> Iterator[HostileRequest]:
    wrong = frozenset({405})
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X" * 40):
        for path in (*GET_ONLY, *BOTH, API):
            yield HostileRequest(f"{method[:8]} {path}", method, path, wrong)
    for path in GET_ONLY:
        yield HostileRequest(f"POST {path}", "POST", path, wrong)
    for method in ("GET", "HEAD"):
        yield HostileRequest(f"{method} {API}", method, API, wrong)


def paths(_: Document) -> Iterator[HostileRequest]:
    for path in (
        "/q/",
        "/q",
        "/q/a/b",
        "/q/{token}/",
        "/q/{token}/edit",
        "/Q/{token}",
        "/api/",
        "/api",
        "/api/responses/",
        "/api/responses/1",
        "/API/responses",
        "/api//responses",
        "/api/responses%00",
        "/api/..%2fresponses",
        "/api/users",
        "/api/v1/responses",
        "/form/",
        "/form/x.json",
        "/form/%2e%2e.json",
        "/form/' OR 1=1.json",
        "/form/%00.json",
        f"/form/%00{'0' * 63}.json",
        f"/form/%ff{'0' * 63}.json",
        "/form/x",
        "/form/*",
        f"/form/{'0' * 64}.json",
        f"/form/{'f' * 5000}.json",
        "/assets/",
        "/assets/form.css",
        "/assets/..%2f..%2fpyproject.toml",
        "/assets/%2e%2e/form.js",
        "/assets/form.0.js",
        "/assets/%00",
        "/assets/" + "a" * 5000,
        "/auth/",
        "/auth/admin",
        "/auth/demo/",
        "/auth/demo/..%2f..",
        "/auth/logout/x",
        "/health/",
        "/ready/x",
        "/.env",
        "/.git/config",
    ):
        yield HostileRequest(f"GET {path[:40]}", "GET", path, frozenset({404}))


def surveyor_impersonations(document: Document) -> Iterator[HostileRequest]:
    """Interviews in a surveyor's name, with cookies that open nothing."""
    assisted = {**document, "token": None, "point_id": "00000000-0000-4000-8000-000000000000"}
    for cookie in (
        "survey_session=x",
        "survey_session=",
        f"survey_session={TEXT[:3000]}",
        "a=b; ; =; ;;",
        "survey_session=' OR 1=1 --",
        "survey_session=\x01",
        "survey_session={token}",
        "survey_session=null; survey_session=admin",
        "role=administrator",
    ):
        yield post(f"with {cookie[:30]}", json.dumps(assisted).encode(), 401, Cookie=cookie)
    both = {**assisted, "token": TOKEN}
    yield post("through two doors", json.dumps(both).encode(), 400)
    for number, role in enumerate(
        (
            "administrators",
            "operator",
            "",
            "Surveyor",
            "surveyor\x00",
            "surveyor&role=analyst",
            "../analyst",
            "x" * 3000,
            "%ff%fe",
            "analyst;analyst",
            "<b>",
            "1",
        )
    ):
        body = f"role={role}".encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        if role != "surveyor&role=analyst":
            yield HostileRequest(
                f"role {number}", "POST", "/auth/demo", frozenset({403}), body, form
            )
    for site in ("cross-site", "same-site"):
        for path in BOTH:
            yield HostileRequest(
                f"{path} from {site}",
                "POST",
                path,
                frozenset({403}),
                b"role=analyst",
                {"Sec-Fetch-Site": site},
            )


FAMILIES = (
    envelopes, answers, broken_json, carriers, tokens, claims, methods, paths,
    surveyor_impersonations,
)  # fmt: skip


def cases(document: Document) -> list[HostileRequest]:
    return [case for family in FAMILIES for case in family(document)]
