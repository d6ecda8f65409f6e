"""OpenAPI 3.1 description of the API for everybody, a file of the site as its answers are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from survey.figures.figure_table import KEYS, VALUES
from survey.locale import LANGUAGES, Message, msg, translator
from survey.site.site_api import API_FOLDER, MAX_FIGURES

OPENAPI_FILE = f"{API_FOLDER}/openapi.json"
Schema = Mapping[str, Any]
_TEXT: Schema = {"type": "string"}
_LABELS: Schema = {"type": "object", "additionalProperties": _TEXT}
_VALUES: Mapping[str, Schema] = {
    **{name: {"type": ["number", "null"]} for name in VALUES},
    "n": {"type": ["integer", "null"]},
}


def _object(properties: Mapping[str, Schema], optional: Collection[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _refer(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


_VERIFY = {"file": _TEXT, "key": _TEXT, "page": _TEXT, "figures_sha256": _TEXT}
_SOURCE: Mapping[str, Schema] = {
    "demo": {"type": "boolean"},
    "mark": _TEXT,
    "release": _TEXT,
    "published": {"type": "string", "format": "date-time"},
    "corrects": {"type": ["string", "null"]},
    "verify": _refer("Verify"),
}
_FIGURE: Mapping[str, Schema] = {
    **dict.fromkeys(("id", "wave", *KEYS), _TEXT),
    "shown": {"const": True},
    **_VALUES,
    "names": {"type": "object", "additionalProperties": {"anyOf": [_LABELS, {"type": "null"}]}},
    "definition": _LABELS,
    "cite": _LABELS,
    **_SOURCE,
}
_HISTORY = {"history": _list_of(_refer("Version"))}
_RELEASE: Mapping[str, Schema] = {
    **dict.fromkeys(("id", "wave", "contact", "reason", "figures_sha256"), _TEXT),
    "year": {"type": "integer"},
    "demo": {"type": "boolean"},
    "title": _LABELS,
    "published": {"type": "string", "format": "date-time"},
    "corrects": {"type": ["string", "null"]},
    "corrected": {"anyOf": [_LABELS, {"type": "null"}]},
    "labels": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": _LABELS},
    },
    "areas": _list_of(_TEXT),
    "errata": _list_of(_TEXT),
    "identifier": _TEXT,
    "cite": _LABELS,
    "archive": _object({name: _VERIFY[name] for name in ("file", "key", "page")}),
}
_SCHEMAS: Mapping[str, Schema] = {
    "Release": _object(_RELEASE),
    "Figure": _object(_FIGURE),
    "FigureWithHistory": _object({**_FIGURE, **_HISTORY}),
    "HiddenFigure": _object(
        {"id": _TEXT, "wave": _TEXT, "shown": {"const": False}, **_SOURCE, **_HISTORY}
    ),
    "Version": _object({"release": _TEXT, **_VALUES, "reason": _TEXT}, optional={"reason"}),
    "Verify": _object(_VERIFY),
    "Figures": _object(
        {
            "release": _TEXT,
            "total": {"type": "integer"},
            "offset": {"type": "integer"},
            "figures": {**_list_of(_refer("Figure")), "maxItems": MAX_FIGURES},
        }
    ),
    "Error": _object({"code": _TEXT, "message": _TEXT}),
}
_ONE_FIGURE: Schema = {"anyOf": [_refer("FigureWithHistory"), _refer("HiddenFigure")]}
_OTHER_ANSWERS: Mapping[str, Message] = {
    "304": msg("Nothing has changed since the entity tag that was sent."),
    "429": msg("Too many requests; the header Retry-After says when to go on."),
    "503": msg("The released figures are being made ready."),
}


def build_openapi() -> bytes:
    """Return the description; its address is where the site lies, so it names no host."""
    wave, area = _parameter("wave", "path"), _parameter("area", "path")
    narrowed = [_parameter(name, "query", is_needed=False) for name in (*KEYS[2:], "offset")]
    answers: Mapping[str, tuple[Message, Schema | None, Sequence[Schema]]] = {
        "/releases": (
            msg("Releases that stand, with the names of their codes"),
            _list_of(_refer("Release")),
            [],
        ),
        "/figures/{figure}": (
            msg("One figure by its id, with its history"),
            _ONE_FIGURE,
            [_parameter("figure", "path")],
        ),
        "/figures": (
            msg("Figures of an area, at most {count} from `offset` on", count=MAX_FIGURES),
            _refer("Figures"),
            [_parameter("wave", "query"), _parameter("area", "query"), *narrowed],
        ),
        "/tables/{wave}/{area}.csv.gz": (
            msg("Every figure of an area as CSV; areas are named in the list of releases"),
            None,
            [wave, area],
        ),
        "/tables/{wave}/{area}.jsonstat.json.gz": (
            msg("Every figure of an area as JSON-stat 2.0"),
            None,
            [wave, area],
        ),
        "/tables/{wave}/csv-metadata.json": (
            msg("Columns of the tables of a wave as CSVW"),
            {"type": "object"},
            [wave],
        ),
        "/openapi.json": (msg("This description"), {"type": "object"}, []),
    }
    about = msg(
        "Released figures for everybody, without a key: read only, rounded as printed, each in a "
        "signed archive. A figure that is not shown is not there."
    )
    document = {
        "openapi": "3.1.0",
        "info": {"title": _say(msg("Open data")), "version": "1", "description": _say(about)},
        "servers": [{"url": "."}],
        "security": [],
        "paths": {path: _path(*answer) for path, answer in answers.items()},
        "components": {"schemas": _SCHEMAS},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _path(summary: Message, schema: Schema | None, parameters: Sequence[Schema]) -> Schema:
    """Return what an address answers; one without a schema is a compressed file."""
    kind = "application/json" if schema else "application/gzip"
    answers: dict[str, Any] = {
        "200": {"description": _say(summary), "content": {kind: {"schema": schema or {}}}},
        **{status: {"description": _say(text)} for status, text in _OTHER_ANSWERS.items()},
    }
    if parameters:
        answers["404"] = {"description": _say(msg("There is no such released figure."))}
    if schema in (_ONE_FIGURE, _refer("Figures")):
        # Of what is no file, the answer is JSON as well.
        answers["404"]["content"] = {kind: {"schema": _refer("Error")}}
    return {"get": {"summary": _say(summary), "parameters": parameters, "responses": answers}}


def _parameter(name: str, place: str, *, is_needed: bool = True) -> Schema:
    return {"name": name, "in": place, "required": is_needed, "schema": _TEXT}


def _say(message: Message) -> str:
    """Return a text in every language, as a file that is the same for all readers has it."""
    return " / ".join(translator(language)(message) for language in LANGUAGES)
