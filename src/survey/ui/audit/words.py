"""Actions and subjects of the audit trail in words an official reads.

What has no words here is shown by its code.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from survey.access.audit_trail import TrailEntry
from survey.access.principal import OPERATOR
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.waves import STATE_NAMES
from survey.locale import Message, Translator, msg
from survey.store.tables import Status, WaveState
from survey.ui.reviewed import MODES

FAMILIES: Mapping[str, Message] = {
    "session": msg("Signing in and out"),
    "account": msg("Accounts"),
    "view": msg("Looking at restricted pages"),
    "export": msg("Downloads"),
    "wave": msg("Waves"),
    "response": msg("Interviews"),
    "responses": msg("Imports"),
    "invitation": msg("Links"),
    "sheet": msg("Sheets of codes"),
    "paper": msg("Paper questionnaires"),
    "quota": msg("Quotas"),
    "quality": msg("Quality"),
    "back_check": msg("Back-checks"),
    "surveyor": msg("Surveyors"),
    "mapping": msg("Column mappings"),
    "audit": msg("The audit trail itself"),
}
_ACTIONS: Mapping[str, Message] = {
    "session.opened": msg("Signed in"),
    "session.ended": msg("Signed out"),
    "view.interview": msg("Looked at an interview"),
    "view.unreleased": msg("Looked at results before their release"),
    "view.audit": msg("Looked at the audit trail"),
    "export.downloaded": msg("Downloaded a file"),
    "wave.created": msg("Created the wave"),
    "wave.changed": msg("Changed the wave"),
    "wave.planned": msg("Saved the sample"),
    "wave.points_drawn": msg("Drew sampling points"),
    "wave.points_discarded": msg("Took sampling points back"),
    "wave.staffed": msg("Assigned people to points"),
    "wave.snapshot": msg("Froze the answers"),
    "wave.recomputed": msg("Computed the tables anew"),
    "wave.one_person_review": msg("Set how many people approve"),
    "response.submitted": msg("Handed in"),
    "response.replayed_with_other_content": msg("Sent again with other content"),
    "responses.imported": msg("Imported interviews"),
    "invitation.issued": msg("Gave out a link"),
    "invitation.opened": msg("Opened a link"),
    "invitation.refused_elsewhere": msg("Another device was refused"),
    "sheet.issued": msg("Printed a sheet of codes"),
    "sheet.voided": msg("Took back a sheet of codes"),
    "paper.keyed": msg("Keyed a paper questionnaire"),
    "paper.keyed_differently": msg("Two keyings differ"),
    "paper.settled": msg("Settled two keyings"),
    "paper.share_changed": msg("Changed the share keyed twice"),
    "quota.policy_set": msg("Set what a full quota does"),
    "quality.assessed": msg("Looked for odd interviews"),
    "back_check.drawn": msg("Drew interviews to ask again"),
    "surveyor.retrain": msg("Asked a surveyor to train again"),
    "mapping.saved": msg("Kept a column mapping"),
    "mapping.replaced": msg("Replaced a column mapping"),
    "audit.verified": msg("Checked the trail"),
    "audit.adopted": msg("Took entries into the chain"),
    "audit.trimmed": msg("Removed old entries"),
    "store_cities": msg("Loaded the cities"),
}
_SUBJECTS: Mapping[str, Message] = {
    "wave": msg("wave"),
    "response": msg("interview"),
    "account": msg("account"),
    "file": msg("file"),
    "invitation": msg("link"),
    "sheet": msg("sheet of codes"),
    "paper_sheet": msg("paper questionnaire"),
    "back_check": msg("back-check"),
    "import_mapping": msg("column mapping"),
    "audit": msg("audit trail"),
    "city": msg("cities"),
}
_FIELDS: Mapping[str, Message] = {
    "key": msg("key"),
    "reason": msg("reason"),
    "cells": msg("quota cells"),
    "city": msg("city"),
    "codes": msg("codes"),
    "points": msg("points"),
    "people": msg("people"),
    "responses": msg("interviews"),
    "bytes": msg("size in bytes"),
    "up_to": msg("up to number"),
    "wrong": msg("findings"),
    "entries": msg("entries"),
    "mode": msg("mode"),
    "status": msg("state"),
    "margin": msg("margin of error"),
    "together": msg("at the same time"),
    "policy": msg("rule"),
    "stop": msg("takes nobody more"),
    "count": msg("goes on counting"),
    "state": msg("state"),
    "dropped": msg("answers left out"),
}
_WORDS: Mapping[str, Message] = {
    **{mode.value: name for mode, name in MODES.items()},
    **{state.value: name for state, name in STATE_NAMES.items()},
    **{status.value: name for status, name in STATUS_NAMES.items()},
    "stop": _FIELDS["stop"],
    "count": _FIELDS["count"],
}
"""Values that are words of a list."""
_SHORT_ID = 8
_LEFT_OUT = frozenset({"from", "to", "by", "hash", "sha256"})
"""Shown in another place, or of use to programs only; the files hold them all."""


def action_words(t: Translator, action: str) -> str:
    known = _ACTIONS.get(action)
    if known is not None:
        return t(known)
    family, _, state = action.partition(".")
    if family == "response" and state in set(Status):
        return t("Moved to: {state}", state=t(STATUS_NAMES[Status(state)]))
    if family == "wave" and state in set(WaveState):
        return t("Moved to: {state}", state=t(STATE_NAMES[WaveState(state)]))
    return action


def actor_words(t: Translator, actor: str) -> str:
    if not actor:
        return t("a respondent")
    return t("operator of the server") if actor == OPERATOR.name else actor


def subject_words(t: Translator, entry: TrailEntry) -> str:
    kind = t(_SUBJECTS[entry.subject_kind]) if entry.subject_kind in _SUBJECTS else ""
    # UUIDs differ most at their end.
    short = entry.subject_id[-_SHORT_ID:] if len(entry.subject_id) == 36 else entry.subject_id
    return " ".join(part for part in (kind or entry.subject_kind, entry.subject or short) if part)


def detail_lines(t: Translator, detail: Mapping[str, Any]) -> list[str]:
    """Changes as `name: before → after`, everything else as `name: value`."""
    before, after = detail.get("from"), detail.get("to")
    lines = [] if before is None and after is None else list(_changes(t, before, after))
    lines.extend(
        f"{_field(t, name)}: {_value(t, value)}"
        for name, value in detail.items()
        if name not in _LEFT_OUT and value not in (None, "", [], {})
    )
    return lines


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
    return t(_FIELDS[name]) if name in _FIELDS else name


def _value(t: Translator, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, str):
        return t(_WORDS[value]) if value in _WORDS else value
    if isinstance(value, Mapping):
        return ", ".join(f"{_field(t, name)} {_value(t, one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_value(t, one) for one in value)
    return str(value)
