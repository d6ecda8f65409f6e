"""Entries of the audit trail as text for people; an unknown code is shown as it is."""

from collections.abc import Iterable, Mapping
from typing import Any

from survey.access.audit_queries import TrailEntry
from survey.access.principal import OPERATOR
from survey.locale import Translator
from survey.store.audit_events import SubjectKind
from survey.ui.audit.labels import EVENT_NAMES, FIELD_NAMES, SUBJECT_NAMES, VALUE_NAMES

_SHORT_ID = 8
_SINGLETON_SUBJECTS = frozenset(
    {
        SubjectKind.AUDIT,
        SubjectKind.CITY,
        SubjectKind.PLATFORM,
        SubjectKind.STORE,
    }
)
"""Subjects of which there is only one, so that their id says nothing."""
_OMITTED_FIELDS = frozenset({"from", "to", "by", "hash"})
_CHECKSUM = "sha256"
"""How names end. Both are shown elsewhere or of use to programs only; the files hold them all."""


def format_action(t: Translator, action: str) -> str:
    """Return the name of an event; the stored action itself if this version does not know it."""
    return t(EVENT_NAMES[action]) if action in EVENT_NAMES else action


def format_actor(t: Translator, actor: str) -> str:
    """Return the name of whoever acted; an entry without an actor is a respondent's."""
    if not actor:
        return t("a respondent")
    return t("operator of the server") if actor == OPERATOR.name else actor


def format_subject(t: Translator, entry: TrailEntry) -> str:
    """Return what an entry is about: its kind, and its name or the end of its id."""
    kind = t(SUBJECT_NAMES[entry.subject_kind]) if entry.subject_kind in SUBJECT_NAMES else ""
    if entry.subject_kind in _SINGLETON_SUBJECTS:
        return kind
    # UUIDs differ most at their end.
    short = entry.subject_id[-_SHORT_ID:] if len(entry.subject_id) == 36 else entry.subject_id
    return " ".join(part for part in (kind or entry.subject_kind, entry.subject or short) if part)


def format_detail(t: Translator, detail: Mapping[str, Any]) -> list[str]:
    """Format changes as `name: before → after`, everything else as `name: value`."""
    before, after = detail.get("from"), detail.get("to")
    lines = [] if before is None and after is None else list(_changes(t, before, after))
    lines.extend(
        f"{_field(t, name)}: {_value(t, value)}"
        for name, value in detail.items()
        if _is_shown(name) and value not in (None, "", [], {})
    )
    return lines


def _is_shown(name: str) -> bool:
    return name not in _OMITTED_FIELDS and not name.endswith(_CHECKSUM)


def _changes(t: Translator, before: Any, after: Any) -> Iterable[str]:
    if not isinstance(before, Mapping) and not isinstance(after, Mapping):
        yield f"{_value(t, before)} → {_value(t, after)}"
        return
    old = before if isinstance(before, Mapping) else {}
    new = after if isinstance(after, Mapping) else {}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{_field(t, name)}: {_value(t, old.get(name))} → {_value(t, new.get(name))}"


def _field(t: Translator, name: str) -> str:
    return t(FIELD_NAMES[name]) if name in FIELD_NAMES else name


def _value(t: Translator, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, str):
        return t(VALUE_NAMES[value]) if value in VALUE_NAMES else value
    if isinstance(value, Mapping):
        return ", ".join(
            f"{_field(t, name)} {_value(t, element)}" for name, element in value.items()
        )
    if isinstance(value, list):
        return ", ".join(_value(t, element) for element in value)
    return str(value)
