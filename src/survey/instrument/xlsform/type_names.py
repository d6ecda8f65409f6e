"""Words in the column `type` of an XLSForm, and what to use instead of unsupported ones."""

from pyxform.xls2json import RE_SELECT

from survey.instrument.model import ItemKind
from survey.instrument.question_types import find_type
from survey.locale import Message, msg

ACKNOWLEDGED = "OK"
OTHER = "other"

_METADATA = frozenset(
    {
        "start",
        "end",
        "deviceid",
        "device id",
        "subscriberid",
        "subscriber id",
        "simserial",
        "sim id",
        "imei",
        "phonenumber",
        "phone number",
        "username",
        "email",
        "audit",
        "start time",
        "end time",
        "start-geopoint",
        "caseid",
        "comments",
        "background-audio",
        "background-geopoint",
        "get start time",
        "get end time",
        "get device id",
        "get subscriber id",
        "get sim id",
        "get phone number",
        "uri:deviceid",
        "uri:username",
    }
)
"""Filled in by the device; harmless to leave out."""

_METADATA_STARTS = ("audio audit", "text audit", "sensor_", "speed violations")

ACKNOWLEDGE = frozenset({"acknowledge", "trigger"})
TODAY = frozenset({"today", "get today"})
SETTINGS = frozenset({"form_title", "form_id", "set form title", "set form id", "prefix"})
"""Settings that very old forms keep among the questions."""

_FILE_HINT = msg("Leave the question out: files are not collected.")
_LOCATION_HINT = msg("Ask for the place as text or with select_one.")
_LIST_HINT = msg("Put the choices on the choices sheet and use select_one or select_multiple.")
_INSTEAD: dict[str, Message] = {
    "geopoint": _LOCATION_HINT,
    "geotrace": _LOCATION_HINT,
    "geoshape": _LOCATION_HINT,
    "gps": _LOCATION_HINT,
    "location": _LOCATION_HINT,
    "osm": _LOCATION_HINT,
    "audio": _FILE_HINT,
    "video": _FILE_HINT,
    "file": _FILE_HINT,
    "signature": _FILE_HINT,
    "barcode": msg("Ask for the code as text."),
    "time": msg("Ask for the time as text with the constraint regex(., '[0-9]{{2}}:[0-9]{{2}}')."),
    "datetime": msg("Ask for a date, and for the time as text."),
    "rank": msg("Ask a select_one for the first place, another for the second."),
    "range": msg("Write whole numbers or decimals for start, end and step."),
    "select_one_external": _LIST_HINT,
    "select_one_from_file": _LIST_HINT,
    "select_multiple_from_file": _LIST_HINT,
    "xml-external": _LIST_HINT,
    "csv-external": _LIST_HINT,
}
_SUPPORTED = msg(
    "Supported are text, integer, decimal, date, range, select_one, select_multiple, image, "
    "acknowledge, note, calculate and groups."
)


def is_metadata(kind: str) -> bool:
    return kind in _METADATA or kind.startswith(_METADATA_STARTS)


def unsupported_type_hint(kind: str) -> Message:
    return _INSTEAD.get(kind.split(" ")[0].lower(), _SUPPORTED)


def parse_select_type(kind: str) -> tuple[ItemKind | None, str, bool] | None:
    """Return kind (None if unsupported), list name and whether “other” is offered, for a select."""
    match = RE_SELECT.match(kind)
    if match is None:
        return None
    question_type = find_type(match["select_command"])
    selected = question_type.kind if question_type else None
    return selected, match["list_name"], match["specify_other"] is not None
