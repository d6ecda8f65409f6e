"""HTML of an interview under review: header, consent, answers, photos, history."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from survey.access.audit_queries import HistoryEntry
from survey.figures.views.display_names import DisplayNames
from survey.locale import Message, Translator, label_text, msg
from survey.locale.figures import format_score
from survey.questionnaire.model import Item
from survey.questionnaire.question_types import type_of
from survey.review.response_detail import AnsweredItem, AnsweredSection, ResponseDetail, consent_of
from survey.store.audit_events import AuditEvent
from survey.store.china_time import format_china_minute
from survey.store.tables import Mode, Status
from survey.waves.lifecycle import STATUS_NAMES
from survey.waves.personal_data import PiiKind, mask_text
from survey.waves.review_reasons import REASON_NAMES, ReviewReason
from survey.web.form_texts import form_texts, screen_language
from survey.web.photo_endpoint import photo_url


def render_photo(photo_id: str, label: str) -> str:
    """Return HTML of a photo; the browser fetches it with the session of the reader."""
    address = escape(photo_url(photo_id), quote=True)
    return (
        f'<a href="{address}" target="_blank" rel="noopener"><img class="hcs-photo" '
        f'loading="lazy" src="{address}" alt="{escape(label, quote=True)}"></a>'
    )


IDENTIFIERS: Mapping[PiiKind, Message] = {
    PiiKind.PHONE: msg("looks like a telephone number"),
    PiiKind.ID_NUMBER: msg("looks like an ID number"),
    PiiKind.BANK_CARD: msg("looks like a bank card"),
    PiiKind.EMAIL: msg("looks like an e-mail address"),
    PiiKind.PLATE: msg("looks like the plate of a car"),
    PiiKind.WECHAT: msg("looks like a WeChat name"),
}
MODES: Mapping[Mode, Message] = {
    Mode.SELF: msg("answered alone"),
    Mode.ASSISTED: msg("read aloud by the surveyor"),
    Mode.PAPER: msg("on paper"),
    Mode.IMPORT: msg("imported"),
}


def format_duration(t: Translator, seconds: float | None) -> str:
    """Return a duration as minutes and seconds; "duration unknown" for None."""
    if seconds is None:
        return t("duration unknown")
    minutes, rest = divmod(round(seconds), 60)
    return t("{minutes} min {seconds} s", minutes=minutes, seconds=rest)


def format_reason(t: Translator, reason: ReviewReason) -> str:
    """Return the name of a review reason, with its note if there is one."""
    if reason.code is None:
        return reason.note
    name = t(REASON_NAMES[reason.code])
    return t("{name}: {note}", name=name, note=reason.note) if reason.note else name


def render_response_header(t: Translator, names: DisplayNames, interview: ResponseDetail) -> str:
    """Return HTML with place, surveyor, time, duration, and the state with its reason."""
    facts = (
        names.area(interview.city_code), interview.point_name, interview.surveyor,
        t(MODES[interview.mode]),
        format_china_minute(t, interview.submitted_at),
        format_duration(t, interview.duration_seconds),
    )  # fmt: skip
    state = t(STATUS_NAMES[interview.status])
    reason = format_reason(t, interview.reason)
    if interview.revision > 1:
        state += t(" (version {number} of the answers)", number=interview.revision)
    return (
        f'<p class="hcs-facts">{escape(" · ".join(fact for fact in facts if fact))}</p>'
        f'<p class="hcs-state"><b>{escape(state)}</b>'
        + (f" {escape(reason)}" if reason else "")
        + "</p>"
    )


def render_consent(t: Translator, interview: ResponseDetail) -> str:
    """Return HTML of a consent: decision, time, mode, surveyor, folded text; empty without one."""
    record = consent_of(interview)
    if record is None:
        return ""
    facts = (
        t("agreed to take part") if record.agreed else t("did not agree to take part"),
        format_china_minute(t, record.at) if record.at else t("hour not known"),
        t(MODES[record.mode]), record.surveyor, record.instrument,
    )  # fmt: skip
    lines = "".join(f"<p>{escape(line)}</p>" for line in record.text)
    return (
        f'<details class="hcs-facts"><summary>{escape(" · ".join(filter(None, facts)))}</summary>'
        f'<div lang="{escape(record.language)}">{lines}</div></details>'
    )


def render_answers(t: Translator, parts: Sequence[AnsweredSection], language: str) -> str:
    """Return an HTML table of sections `parts`: question, answer, seconds, in their language."""
    rows = []
    for part in parts:
        title = label_text(part.title, language)
        if title:
            rows.append(f'<tr><th colspan="3" scope="colgroup">{escape(title)}</th></tr>')
        rows.extend(_render_answer_row(t, answered, language) for answered in part.answers)
    heads = (t("Question"), t("Answer"), t("Seconds"))
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return (
        f'<table class="hcs-answers"><thead><tr>{header}</tr></thead>'
        f'<tbody lang="{escape(language)}">{"".join(rows)}</tbody></table>'
    )


def _render_answer_row(t: Translator, answered: AnsweredItem, language: str) -> str:
    answer = _render_answer(t, answered, language)
    if answered.corrected:
        before = format_answer(t, answered.item, answered.before, language)
        if type_of(answered.item).is_open_text:
            before = mask_text(before)
        words = escape(t("before the correction: {answer}", answer=before))
        answer += f'<br><span class="hcs-before">{words}</span>'
    seconds = "" if answered.seconds is None else format_score(answered.seconds)
    question = escape(label_text(answered.item.label, language))
    return f"<tr><td>{question}</td><td>{answer}</td><td>{seconds}</td></tr>"


def _render_answer(t: Translator, answered: AnsweredItem, language: str) -> str:
    """Return HTML of one answer; parts that may identify a person are marked."""
    if type_of(answered.item).is_photo and isinstance(answered.answer, str):
        return render_photo(answered.answer, t("photo"))
    if answered.scanned_text is None or not answered.scanned_text.matches:
        return escape(format_answer(t, answered.item, answered.answer, language))
    return "".join(
        escape(part)
        if kind is None
        else f'<mark title="{escape(t(IDENTIFIERS[kind]))}">{escape(part)}</mark>'
        for part, kind in answered.scanned_text.parts()
    )


def format_answer(t: Translator, item: Item, answer: Any, language: str) -> str:
    """Return a stored answer in words, by the labels of the questionnaire."""
    if answer is None:
        return t("no answer")
    if isinstance(answer, str):
        special = next((each for each in item.specials if each.value == answer), None)
        if special is not None:
            own = label_text(item.special_labels.get(special, {}), language)
            return own or form_texts(screen_language(language))[f"special_{special}"]
    return type_of(item).format_answer(item, answer, language)


def render_history(t: Translator, steps: tuple[HistoryEntry, ...]) -> str:
    """Return HTML of an interview's history, the entries in the order given."""
    lines = "".join(f"<li>{escape(format_history_entry(t, step))}</li>" for step in steps)
    return f'<ul class="hcs-history">{lines}</ul>'


def format_history_entry(t: Translator, step: HistoryEntry) -> str:
    """Return one line on an entry of the history: time, person, state and reason."""
    to = step.detail.get("to", step.action.removeprefix("response."))
    done = t(STATUS_NAMES[Status(to)]) if to in set(Status) else to
    if step.action == AuditEvent.VIEW_INTERVIEW:
        done = t("Looked at an interview")
    if step.action == AuditEvent.RESPONSE_WITHDRAWN:
        done = t("withdrawn by the respondent, answers deleted")
    if step.action in {AuditEvent.RESPONSE_UNDONE, AuditEvent.RESPONSES_UNDONE}:
        done = t("decision undone, {state} again", state=done)
    reason = format_reason(t, ReviewReason.parse(str(step.detail.get("reason", ""))))
    decided = int(step.detail.get("together", 1))
    if decided > 1:
        done += t(" (one of {count} together)", count=decided)
    who = step.actor or t("respondent")
    return " · ".join(part for part in (format_china_minute(t, step.at), who, done, reason) if part)
