"""Description of the endpoints that take deliveries in: JSON schema and OpenAPI paths."""

from typing import Any

from survey.context.count_declaration import CountKind
from survey.context.count_kinds import COUNT_KINDS
from survey.context.deliveries import MAX_FAULTS_CHARS, MAX_ID_CHARS, MAX_SOURCE_CHARS
from survey.locale import Message, Translator, msg

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
}
"""What is said about a delivery: fields of the message, or parameters beside a CSV file."""
REQUIRED_FIELDS = ("id", "source", "data_as_of")
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
    """Return the JSON schema (draft 2020-12) of a message with a delivery."""
    fields = {
        name: {**schema, "description": t(text)} for name, (text, schema) in HEAD_FIELDS.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": t(kind.name),
        "description": t(kind.rows),
        "type": "object",
        "additionalProperties": False,
        "required": [*REQUIRED_FIELDS, "rows"],
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


def build_delivery_paths(base: str, t: Translator) -> dict[str, Any]:
    """Return the OpenAPI path items of every kind that is delivered."""
    return {
        f"{base}/deliveries/{kind.kind.value}": {"post": _build_operation(kind, t)}
        for kind in COUNT_KINDS.values()
    }


def _build_operation(kind: CountKind, t: Translator) -> dict[str, Any]:
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
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
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
            for name, (text, schema) in HEAD_FIELDS.items()
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
            **{
                status: {"description": t(text), "content": error}
                for status, text in _ANSWERS.items()
            },
        },
    }
