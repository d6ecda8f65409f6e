"""One interview under review as plain accessible HTML: flags first, then the answers."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from survey.fieldwork.clock import CHINA
from survey.fieldwork.lifecycle import STATUS_NAMES
from survey.fieldwork.privacy.consent import consent_of
from survey.fieldwork.privacy.screening import Identifier, masked
from survey.fieldwork.reasons import NAMES as REASON_NAMES
from survey.fieldwork.reasons import Reason
from survey.fieldwork.review import Answered, Interview, Step
from survey.instrument.model import Item, Kind, Special
from survey.locale import Message, Translator, msg
from survey.publish.views.names import Names
from survey.store.tables import Mode, Status
from survey.web.texts import form_texts, screen_language

IDENTIFIERS: Mapping[Identifier, Message] = {
    Identifier.PHONE: msg("looks like a telephone number"),
    Identifier.ID_NUMBER: msg("looks like an ID number"),
    Identifier.BANK_CARD: msg("looks like a bank card"),
    Identifier.EMAIL: msg("looks like an e-mail address"),
    Identifier.WECHAT: msg("looks like a WeChat name"),
}
MODES: Mapping[Mode, Message] = {
    Mode.SELF: msg("answered alone"),
    Mode.ASSISTED: msg("read aloud by the surveyor"),
    Mode.PAPER: msg("on paper"),
    Mode.IMPORT: msg("imported"),
}


def moment(at: datetime) -> str:
    """A moment as people in the field say it."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def lasted(t: Translator, seconds: float | None) -> str:
    """How long an interview took."""
    if seconds is None:
        return t("duration unknown")
    minutes, rest = divmod(round(seconds), 60)
    return t("{minutes} min {seconds} s", minutes=minutes, seconds=rest)


def reason_words(t: Translator, reason: Reason) -> str:
    """Code and note in the reader's language."""
    if reason.code is None:
        return reason.note
    name = t(REASON_NAMES[reason.code])
    return t("{name}: {note}", name=name, note=reason.note) if reason.note else name


def head(t: Translator, names: Names, interview: Interview) -> str:
    """Where, who, when, how long, and the state with its reason."""
    facts = (
        names.area(interview.city_code), interview.point_name, interview.surveyor, t(MODES[interview.mode]),
        moment(interview.submitted_at), lasted(t, interview.duration_seconds),
    )  # fmt: skip
    state = t(STATUS_NAMES[interview.status])
    reason = reason_words(t, interview.reason)
    if interview.revision > 1:
        state += t(" (version {number} of the answers)", number=interview.revision)
    return (
        f'<p class="hcs-facts">{escape(" · ".join(fact for fact in facts if fact))}</p>'
        f'<p class="hcs-state"><b>{escape(state)}</b>'
        + (f" {escape(reason)}" if reason else "")
        + "</p>"
    )


def consent(t: Translator, interview: Interview) -> str:
    """What the respondent agreed to, when, and who read it; the text itself opens on a click."""
    record = consent_of(interview)
    if record is None:
        return ""
    facts = (
        t("agreed to take part") if record.agreed else t("did not agree to take part"),
        moment(record.at) if record.at else t("hour not known"),
        t(MODES[record.mode]), record.surveyor, record.instrument,
    )  # fmt: skip
    lines = "".join(f"<p>{escape(line)}</p>" for line in record.text)
    return (
        f'<details class="hcs-facts"><summary>{escape(" · ".join(filter(None, facts)))}</summary>'
        f'<div lang="{escape(record.language)}">{lines}</div></details>'
    )


def answers(t: Translator, interview: Interview) -> str:
    """The questions as they were asked, in the language of the interview."""
    rows = []
    for part in interview.parts:
        title = _in(part.title, interview.language)
        if title:
            rows.append(f'<tr><th colspan="3" scope="colgroup">{escape(title)}</th></tr>')
        rows.extend(_row(t, answered, interview.language) for answered in part.answers)
    heads = (t("Question"), t("Answer"), t("Seconds"))
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return (
        f'<table class="hcs-answers"><thead><tr>{header}</tr></thead>'
        f'<tbody lang="{escape(interview.language)}">{"".join(rows)}</tbody></table>'
    )


def _row(t: Translator, answered: Answered, language: str) -> str:
    answer = _said(t, answered, language)
    if answered.corrected:
        before = answer_words(t, answered.item, answered.before, language)
        if answered.item.kind is Kind.TEXT:
            before = masked(before)
        words = escape(t("before the correction: {answer}", answer=before))
        answer += f'<br><span class="hcs-before">{words}</span>'
    seconds = "" if answered.seconds is None else f"{answered.seconds:.1f}"
    question = escape(_in(answered.item.label, language))
    return f"<tr><td>{question}</td><td>{answer}</td><td>{seconds}</td></tr>"


def _said(t: Translator, answered: Answered, language: str) -> str:
    """An answer as HTML; in open text, what identifies a person is marked and named."""
    if answered.said is None or not answered.said.found:
        return escape(answer_words(t, answered.item, answered.answer, language))
    return "".join(
        escape(part)
        if kind is None
        else f'<mark title="{escape(t(IDENTIFIERS[kind]))}">{escape(part)}</mark>'
        for part, kind in answered.said.parts()
    )


def answer_words(t: Translator, item: Item, answer: Any, language: str) -> str:
    """A stored answer in the words of the questionnaire."""
    if answer is None:
        return t("no answer")
    if isinstance(answer, list):
        return "; ".join(_choice(item, str(each), language) for each in answer)
    if isinstance(answer, str):
        known = next((special for special in item.specials if special.value == answer), None)
        if known is not None:
            return _special(item, known, language)
        return _choice(item, answer, language)
    if item.kind is Kind.RATING and item.maximum is not None:
        return f"{answer:g} / {item.maximum:g}"
    return f"{answer:g}" if isinstance(answer, float) else str(answer)


def _special(item: Item, special: Special, language: str) -> str:
    own = _in(item.special_labels.get(special, {}), language)
    return own or form_texts(screen_language(language))[f"special_{special}"]


def _choice(item: Item, name: str, language: str) -> str:
    label = next((choice.label for choice in item.choices if choice.name == name), {})
    return _in(label, language) or name


def _in(labels: Mapping[str, str], language: str) -> str:
    return labels.get(language) or next(iter(labels.values()), "")


def history(t: Translator, steps: tuple[Step, ...]) -> str:
    """What was done with the interview, the newest first."""
    lines = "".join(f"<li>{escape(step_words(t, step))}</li>" for step in steps)
    return f'<ul class="hcs-history">{lines}</ul>'


def step_words(t: Translator, step: Step) -> str:
    """One entry: when, who, to which state, and why."""
    to = step.detail.get("to", step.action.removeprefix("response."))
    done = t(STATUS_NAMES[Status(to)]) if to in set(Status) else to
    if step.action == "response.withdrawn":
        done = t("withdrawn by the respondent, answers deleted")
    reason = reason_words(t, Reason.read(str(step.detail.get("reason", ""))))
    together = int(step.detail.get("together", 1))
    if together > 1:
        done += t(" (one of {count} together)", count=together)
    who = step.actor or t("respondent")
    return " · ".join(part for part in (moment(step.at), who, done, reason) if part)
