"""Data Package (version 2): a CSV file of rows and what its columns are, as one JSON file."""

import hashlib
import re
from pathlib import Path
from typing import Any

import orjson

from survey.publish.codebook.codebook import Codebook, CodebookEntry
from survey.spreadsheets import decode_table_text


def data_package_bytes(codebook: Codebook, data: Path | None = None) -> bytes:
    """Return `datapackage.json`.

    Args:
        data: the CSV file that it stands beside: its name, size and hash go in, and the line of
            its heading. Without it the name is that of the wave.
    """
    resource: dict[str, Any] = {
        "name": _build_slug(f"{codebook.wave.key}-rows"),
        "type": "table",
        "path": data.name if data else f"{codebook.wave.key}-rows.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"header": True, "delimiter": ",", "lineTerminator": "\r\n"},
        "schema": {
            "fields": [_build_field(codebook, entry) for entry in codebook.entries],
            "primaryKey": ["row"],
            "missingValues": [""],
        },
    }
    if data is not None:
        content = data.read_bytes()
        head = _find_heading_line(content)
        resource |= {"bytes": len(content), "hash": f"sha256:{_hash_content(content)}"}
        resource["dialect"]["headerRows"] = [head]
        resource["dialect"]["commentRows"] = list(range(1, head))
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": _build_slug(codebook.wave.key),
        "title": codebook.title,
        "created": codebook.wave.frozen_at.isoformat(),
        "version": codebook.wave.seal_sha256 or codebook.wave.snapshot_sha256,
        "description": "\n".join(f"{name}: {fact}" for name, fact in codebook.facts),
        "resources": [resource],
    }
    return orjson.dumps(package, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _build_field(codebook: Codebook, entry: CodebookEntry) -> dict[str, Any]:
    own = entry.described[codebook.language]
    values = own.values
    is_coded = any(isinstance(value.value, int) for value in values)
    field: dict[str, Any] = {
        "name": entry.column,
        "type": _type_of(entry.column, is_coded),
        "title": own.label,
        "missingValues": ["", *(str(value.value) for value in values if value.is_missing)],
    }
    if entry.condition[codebook.language]:
        field["description"] = entry.condition[codebook.language]
    if values:
        field["categories"] = [
            {"value": value.value, "label": value.label or str(value.value)}
            for value in values
            if not value.is_missing
        ]
    if entry.column in {"row", "weight"}:
        field["constraints"] = {"required": True}
    return field


def _type_of(column: str, is_coded: bool) -> str:
    if column == "weight":
        return "number"
    if column == "day":
        return "date"
    return "integer" if is_coded else "string"


def _find_heading_line(content: bytes) -> int:
    """Return the number of the line with the names of the columns, from 1."""
    text, _ = decode_table_text(content)
    lines = text.splitlines()
    return next((place for place, line in enumerate(lines, 1) if line.startswith("row,")), 1)


def _hash_content(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _build_slug(name: str) -> str:
    """Return a name of lower-case letters, digits and `-_.`, as the standard asks for."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower())
