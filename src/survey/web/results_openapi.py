"""OpenAPI 3.1 description of the API for programs: results and deliveries."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from survey.collection.importing.kept_mappings import MAX_NAME_CHARS
from survey.counts.closed_months import MAX_REASON_CHARS
from survey.counts.count_declaration import CountKind
from survey.counts.count_kinds import COUNT_KINDS
from survey.counts.deliveries import (
    MAX_AREA_CHARS,
    MAX_FAULTS_CHARS,
    MAX_ID_CHARS,
    MAX_SOURCE_CHARS,
)
from survey.locale import Message, Translator, msg
from survey.web.results_tables import LANGUAGE, PAGING, TABLES, QueryParameter

SUBMIT = msg("Deliver: {what}")
HEAD_FIELDS: dict[str, tuple[Message, dict[str, Any]]] = {
    "id": (
        msg("Id of the delivery, of your own choice; sending the same again is harmless"),
        {"type": "string", "minLength": 1, "maxLength": MAX_ID_CHARS},
    ),
    "source": (
        msg("Who counted, as it stands below every figure"),
        {"type": "string", "minLength": 1, "maxLength": MAX_SOURCE_CHARS},
    ),
    "data_as_of": (msg("Day until which data were counted"), {"type": "string", "format": "date"}),
    "known_faults": (
        msg("What is known to be wrong or missing; shown with every figure"),
        {"type": "string", "maxLength": MAX_FAULTS_CHARS},
    ),
    "area": (
        msg(
            "Province (32) or city (320500) that it speaks of: only what stands of it is replaced; "
            "the area of the key's account unless given"
        ),
        {"type": "string", "maxLength": MAX_AREA_CHARS},
    ),
    "code_version": (
        msg("Version of the code lists, the newest unless given"),
        {"type": "string", "maxLength": 24},
    ),
    "confirm_losses": (
        msg(
            "Word of the answer 409 delivery_loses; sent back, it confirms that what stands of "
            "the areas and days named there is lost"
        ),
        {"type": "string", "maxLength": 24},
    ),
    "correction": (
        msg("Reason of a correction, needed where a month is closed (409 month_closed)"),
        {"type": "string", "maxLength": MAX_REASON_CHARS},
    ),
}
"""What is said about a delivery: fields of the message, or parameters beside a CSV file."""
_FILE_FIELDS: dict[str, tuple[Message, dict[str, Any]]] = {
    "mapping": (
        msg("Name of a kept mapping by which the file is read; the template unless given"),
        {"type": "string", "maxLength": MAX_NAME_CHARS},
    )
}
"""What is said about a file besides."""
_ANSWERS: dict[str, Message] = {
    "400": msg("This is no delivery; the message says why."),
    "401": msg("There is no key, or it does not work."),
    "403": msg("The key was made for something else, or its account may not deliver."),
    "408": msg("The delivery took too long to arrive."),
    "409": msg(
        "The id was delivered before with another content, or what stands would be lost and that "
        "was not confirmed; losses lists it by area and month."
    ),
    "413": msg("The delivery is too large."),
    "415": msg("The content type is neither application/json nor text/csv."),
    "422": msg("Rows are wrong. Nothing was stored; problems lists row, column, value and reason."),
    "429": msg("Too many requests; the header Retry-After says when to go on."),
}


def build_delivery_schema(kind: CountKind, t: Translator) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a delivery of counts of this kind."""
    fields = {
        name: {**schema, "description": t(text)} for name, (text, schema) in HEAD_FIELDS.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": t(kind.name),
        "description": t(kind.rows),
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "source", "data_as_of", "rows"],
        "properties": {
            **fields,
            "rows": {"type": "array", "minItems": 1, "items": _build_row_schema(kind)},
        },
    }


def _build_row_schema(kind: CountKind) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [key for key, column in kind.columns.items() if column.required],
        "properties": {
            key: {
                "type": ["number", "string"] if key in kind.measures else "string",
                "description": " / ".join(column.names),
                "examples": [float(column.example) if key in kind.measures else column.example],
            }
            for key, column in kind.columns.items()
        },
    }


def _build_delivery_operation(kind: CountKind, t: Translator) -> dict[str, Any]:
    receipt = {
        "type": "object",
        "required": ["id", "delivery", "rows", "revisions", "demo"],
        "properties": {
            "id": {"type": "string"},
            "delivery": {"type": "string", "format": "uuid"},
            "rows": {"type": "integer"},
            "revisions": {"type": "object", "additionalProperties": {"type": "integer"}},
            "demo": {"type": "boolean"},
        },
    }
    return {
        "operationId": f"deliver_{kind.kind.value}",
        "summary": t(SUBMIT.msgid, what=t(kind.name)),
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": f"text/csv: {t(text)}",
                "schema": schema,
            }
            for name, (text, schema) in (HEAD_FIELDS | _FILE_FIELDS).items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": build_delivery_schema(kind, t)},
                "text/csv": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "200": {
                "description": t("Stored, now or before: the receipt is the same."),
                "content": {"application/json": {"schema": receipt}},
            },
            **_build_error_answers(_ANSWERS, t),
        },
    }


def _build_error_answers(answers: dict[str, Message], t: Translator) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": t(text), "content": error} for status, text in answers.items()}


BASE = "/api/v1"
DELIVERIES = f"{BASE}/deliveries"
_WAVE = msg("One released wave with its indicators and their weights")
_WAVE_FIELDS = {
    "key": (msg("Key of the wave"), "string"),
    "snapshot": (
        msg(
            "SHA-256 of the frozen interviews; the same after rules, weights or an error of the "
            "software were corrected."
        ),
        "string",
    ),
    "figures_sha256": (
        msg(
            "SHA-256 of all that the figures come from: two different sets of figures never have "
            "the same. A release names it as seal_sha256; null where none was recorded."
        ),
        ["string", "null"],
    ),
}
"""Fields that say what a wave is, with their types."""
_ERRORS = {
    "400": msg("A parameter is wrong; the message names the choices."),
    "401": _ANSWERS["401"],
    "403": msg("The account of the key may not read this."),
    "404": msg("There is no released wave with this key."),
    "429": _ANSWERS["429"],
}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint in the HTML guide to the API: method, path, summary, parameters."""

    method: str
    path: str
    summary: str
    parameters: tuple[tuple[str, str], ...]
    """Names with their descriptions."""


def list_operations(t: Translator) -> Iterator[Endpoint]:
    """Yield each endpoint that needs a key, first results, then deliveries."""
    for path, (summary, parameters) in _list_operations().items():
        described = tuple((each.name, t(each.description)) for each in parameters)
        yield Endpoint("GET", path, t(summary), described)
    head = tuple((name, t(text)) for name, (text, _) in HEAD_FIELDS.items())
    for kind in COUNT_KINDS.values():
        path = f"{DELIVERIES}/{kind.kind.value}"
        yield Endpoint("POST", path, t(SUBMIT.msgid, what=t(kind.name)), head)


def _list_operations() -> dict[str, Any]:
    return {
        f"{BASE}/waves": (msg("Released waves, the newest first"), (LANGUAGE,)),
        f"{BASE}/waves/{{wave}}": (_WAVE, (LANGUAGE,)),
        **{
            f"{BASE}/waves/{{wave}}/{table.name}": (table.summary, (*table.parameters, *PAGING))
            for table in TABLES
        },
        f"{BASE}/evidence": (
            msg("Signed releases of checks, tests and named traders, the newest first"),
            (LANGUAGE,),
        ),
        f"{BASE}/evidence/{{release}}": (
            msg("One of them with its tables, as they stand in its signed files"),
            (LANGUAGE,),
        ),
    }


def build_openapi(t: Translator) -> dict[str, Any]:
    """Return the OpenAPI document with descriptions in the translator's language."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": t("Results of the Hundred Cities Survey"),
            "version": "1.0.0",
            "description": t(
                "Every figure has passed the disclosure rules and is rounded as published. Rows "
                "with shown=false are hidden to protect respondents and carry no figures."
            ),
        },
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                },
                "Wave": {
                    "type": "object",
                    "required": list(_WAVE_FIELDS),
                    "properties": {
                        name: {"type": kind, "description": t(text)}
                        for name, (text, kind) in _WAVE_FIELDS.items()
                    },
                },
                "Evidence": {
                    "type": "object",
                    "required": ["id", "kind", "tables"],
                    "properties": {
                        "id": {"type": "string"},
                        "kind": {"enum": ["experience_check", "comparative_test", "trader"]},
                        "remarks": {"type": "array", "items": {"type": "string"}},
                        "tables": {"type": "object"},
                    },
                },
                "Rows": {
                    "type": "object",
                    "required": ["total", "rows"],
                    "properties": {
                        "wave": {"$ref": "#/components/schemas/Wave"},
                        "total": {"type": "integer"},
                        "offset": {"type": "integer"},
                        "limit": {"type": "integer"},
                        "next": {"type": ["string", "null"]},
                        "rows": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
        },
        "paths": {
            **{
                path: {"get": _build_operation(t, path, summary, parameters)}
                for path, (summary, parameters) in _list_operations().items()
            },
            **{
                f"{DELIVERIES}/{kind.kind.value}": {"post": _build_delivery_operation(kind, t)}
                for kind in COUNT_KINDS.values()
            },
        },
    }


_IN_PATH = {
    "wave": msg("Key of a released wave, for example main-2026"),
    "release": msg("Id of a release, for example check.dining-2026-1"),
}
_SINGLE = {"{wave}": "Wave", "{release}": "Evidence"}
"""Last part of an address of one thing -> schema of the answer."""


def _build_operation(
    t: Translator, path: str, summary: Any, parameters: tuple[QueryParameter, ...]
) -> dict[str, Any]:
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": t(description),
            "schema": {"type": "string"},
        }
        for name, description in _IN_PATH.items()
        if f"{{{name}}}" in path
    ]
    name = path.rpartition("/")[2]
    schema = _SINGLE.get(name, "Rows")
    answer = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "operationId": f"get_{schema.lower()}" if name in _SINGLE else f"list_{name}",
        "summary": t(summary),
        "parameters": [*in_path, *(_build_parameter(t, parameter) for parameter in parameters)],
        "responses": {
            "200": {
                "description": t("The answer"),
                "content": {"application/json": {"schema": answer}},
            },
            "304": {"description": t("Nothing has changed since the answer with this ETag.")},
            **_build_error_answers(_ERRORS, t),
        },
    }


def _build_parameter(t: Translator, parameter: QueryParameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.name in {"limit", "offset"}:
        schema = {"type": "integer", "minimum": 1 if parameter.name == "limit" else 0}
    if parameter.repeats:
        schema = {"type": "array", "items": schema}
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": t(parameter.description),
        "schema": schema,
    }
