"""Question types: what each type of XLSForm becomes, or what to use instead."""

from pyxform.xls2json import RE_SELECT

from survey.instrument.model import Kind
from survey.locale import Message, msg

ACKNOWLEDGED = "OK"
OTHER = "other"

KINDS: dict[str, Kind] = {
    "integer": Kind.INTEGER,
    "int": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "text": Kind.TEXT,
    "string": Kind.TEXT,
    "date": Kind.DATE,
    "note": Kind.NOTE,
    "calculate": Kind.CALCULATE,
    "calculate_here": Kind.CALCULATE,
    "hidden": Kind.CALCULATE,
}
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

_FILES = msg("Leave the question out: files are not collected.")
_PLACES = msg("Ask for the place as text or with select_one.")
_LISTS = msg("Put the choices on the choices sheet and use select_one or select_multiple.")
_INSTEAD: dict[str, Message] = {
    "geopoint": _PLACES,
    "geotrace": _PLACES,
    "geoshape": _PLACES,
    "gps": _PLACES,
    "location": _PLACES,
    "osm": _PLACES,
    "image": _FILES,
    "photo": _FILES,
    "audio": _FILES,
    "video": _FILES,
    "file": _FILES,
    "signature": _FILES,
    "barcode": msg("Ask for the code as text."),
    "time": msg("Ask for the time as text with the constraint regex(., '[0-9]{{2}}:[0-9]{{2}}')."),
    "datetime": msg("Ask for a date, and for the time as text."),
    "rank": msg("Ask a select_one for the first place, another for the second."),
    "range": msg("Write whole numbers or decimals for start, end and step."),
    "select_one_external": _LISTS,
    "select_one_from_file": _LISTS,
    "select_multiple_from_file": _LISTS,
    "xml-external": _LISTS,
    "csv-external": _LISTS,
}
_SUPPORTED = msg(
    "Supported are text, integer, decimal, date, range, select_one, select_multiple, acknowledge, "
    "note, calculate and groups."
)


def is_metadata(kind: str) -> bool:
    return kind in _METADATA or kind.startswith(_METADATA_STARTS)


def instead_of(kind: str) -> Message:
    return _INSTEAD.get(kind.split(" ")[0].lower(), _SUPPORTED)


def as_select(kind: str) -> tuple[Kind | None, str, bool] | None:
    """(kind or None when unsupported, list name, whether “other” is offered) of a select."""
    match = RE_SELECT.match(kind)
    if match is None:
        return None
    command = match["select_command"]
    supported: dict[str, Kind] = {
        "select1": Kind.SELECT_ONE,
        "select_one": Kind.SELECT_ONE,
        "select one": Kind.SELECT_ONE,
        "select one from": Kind.SELECT_ONE,
        "add select one prompt using": Kind.SELECT_ONE,
        "select_multiple": Kind.SELECT_MULTIPLE,
        "select all that apply": Kind.SELECT_MULTIPLE,
        "select all that apply from": Kind.SELECT_MULTIPLE,
        "add select multiple prompt using": Kind.SELECT_MULTIPLE,
    }
    return supported.get(command), match["list_name"], match["specify_other"] is not None
