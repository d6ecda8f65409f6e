"""Mappings of a file's columns as plain JSON documents, whatever they map to."""

from typing import Annotated, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as DocumentError

from survey.collection.importing.rejections import ImportNotPossibleError
from survey.locale import msg

MAX_DOCUMENT_BYTES = 1_000_000
MAX_HEAD_ROW = 50
Head = Annotated[str, Field(min_length=1, max_length=500)]
Word = Annotated[str, Field(max_length=200)]


class MappingDocument(BaseModel):
    """Base of mappings: nothing but the fields that are declared, each of its own type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_M = TypeVar("_M", bound=MappingDocument)


def write_mapping_json(mapping: MappingDocument) -> bytes:
    """Return the mapping as the JSON file that `parse_mapping_document` reads."""
    document = mapping.model_dump(mode="json", exclude_defaults=True)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def parse_mapping_document(content: bytes, kind: type[_M]) -> _M:
    """Return the mapping of a kind in a JSON file.

    Raises:
        ImportNotPossibleError: It is none; the message names the place.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ImportNotPossibleError(msg("The mapping file is too large."))
    try:
        return kind.model_validate(orjson.loads(content.removeprefix(b"\xef\xbb\xbf")))
    except orjson.JSONDecodeError as error:
        raise ImportNotPossibleError(
            msg("The mapping file is no JSON: {why}", why=str(error))
        ) from error
    except DocumentError as error:
        raise _explain(error) from error


def _explain(error: DocumentError) -> ImportNotPossibleError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "-"
    if first["type"] == "extra_forbidden":
        return ImportNotPossibleError(
            msg("Mapping file, {place}: there is no such field.", place=place)
        )
    if first["type"] == "missing":
        return ImportNotPossibleError(msg("Mapping file, {place}: is missing.", place=place))
    return ImportNotPossibleError(
        msg("Mapping file, {place}: what stands here is of the wrong kind or size.", place=place)
    )
