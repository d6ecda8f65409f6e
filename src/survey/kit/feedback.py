"""Changes made from a page, messages about them, and audit entries for restricted views.

A view that cannot be recorded is not shown: the error of the store ends the page. Files are
recorded when they are fetched (`web/downloads.py`).
"""

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from survey.access.audit import record
from survey.access.principal import Principal
from survey.access.work import Work
from survey.collection.submission import InvalidAnswersError
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, unexpected_error_text
from survey.kit.text_blocks import escape_markdown
from survey.kit.viewer import require_principal
from survey.locale import Message, SurveyError, Translator, label_text
from survey.observe.logs import current_request_id, new_request_id, request_id_scope
from survey.observe.metrics import FAILURES
from survey.questionnaire.model import Instrument
from survey.store.audit_events import AuditEvent
from survey.store.tables import now
from survey.store.transactions import run_in_transaction
from survey.waves.waves import WaveSummary

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
VIEW_DEDUPLICATION_WINDOW = timedelta(minutes=10)
"""Changing a filter runs a page anew; the same person looking at the same thing is one entry."""
_RECORDED_VIEWS = "accountable/seen"


@dataclass(frozen=True)
class Success(Generic[T]):
    """Result of a committed change, in `value`; a change that failed yields no `Success`."""

    value: T


@dataclass(frozen=True)
class _Problem:
    """Message about a change that failed: its title, a line for each wrong answer, paragraphs."""

    title: str
    lines: Sequence[str]
    hints: Sequence[str]


def run_change(
    page: PageContext,
    change: Callable[[Work], T],
    *,
    done: str | Callable[[T], str] = "",
    slot: str = "",
    hints: Sequence[str] = (),
    asked: tuple[Instrument, str] | None = None,
    drawn: Sequence[object] = (),
) -> Success[T] | None:
    """Run `change` in a transaction; keep message `done` or why not for `slot`; None if it failed.

    The change runs as the person who is signed in at this moment: the page may have been drawn
    hours ago. No error of it leaves this function, so that callbacks fail in words as well.

    Args:
        done: Message after the commit, or a function of the result; none if empty.
        slot: Part of the page that shows the message; the top of the page if empty.
        hints: Paragraphs below an error instead of "Nothing was changed."
        asked: Questionnaire that names the questions of wrong answers, and their language.
        drawn: Objects that the button got when this `page` was drawn. A second press with the same
            ones (a double click) changes nothing and returns the result of the first.

    Returns:
        The result, or None if the change failed.
    """

    def commit() -> T:
        return run_in_transaction(
            page.settings.store_url,
            lambda session: change(Work(session, _require_changer(page), now(), page.settings)),
        )

    return _attempt_change(
        page,
        lambda: page.presses.handle(drawn, commit),
        done=done,
        slot=slot,
        hints=hints,
        asked=asked,
    )


def run_long_change(
    page: PageContext, work: Callable[[Principal], T], *, done: str, spinner: str
) -> Success[T] | None:
    """Run `work`, with its own transactions, under text `spinner`; keep message `done` or why not.

    Args:
        spinner: Text shown meanwhile. Not for callbacks: they run before the page is drawn, and
            what they draw would stand where the page begins.
    """
    with st.spinner(spinner):
        return _attempt_change(page, lambda: work(_require_changer(page)), done=done)


def identify_reader(page: PageContext, *, slot: str = "") -> Principal | None:
    """Return the principal signed in now, even a read-only one; None, and a message at `slot`.

    Unlike `run_change` it takes an account that only looks. If nobody is signed in, the message
    about it is kept and None returned.
    """
    reader = _attempt_change(page, lambda: require_principal(page.settings), done="", slot=slot)
    return reader.value if reader else None


def _attempt_change(
    page: PageContext,
    run: Callable[[], T],
    *,
    done: str | Callable[[T], str],
    slot: str = "",
    hints: Sequence[str] = (),
    asked: tuple[Instrument, str] | None = None,
) -> Success[T] | None:
    """Call `run`, keep message `done`, or why not, for `slot`; no error leaves this function."""
    # A callback runs before its page has begun a request.
    with request_id_scope(current_request_id() or new_request_id()):
        try:
            value = run()
        except SurveyError as error:
            lines = _describe_problems(page, error, asked)
            usual = [page.t("Nothing was changed.")]
            _keep_message(page, slot, _Problem(page.t(error.message), lines, hints or usual))
            return None
        except Exception:
            FAILURES.labels("page").inc()
            _LOG.exception("change failed")
            title, *paragraphs = unexpected_error_text(page.t)
            _keep_message(page, slot, _Problem(title, (), paragraphs))
            return None
    _keep_message(page, slot, done if isinstance(done, str) else done(value))
    return Success(value)


def _require_changer(page: PageContext) -> Principal:
    """Return the principal signed in now; raise `AccessDeniedError` for one who may only look."""
    principal = require_principal(page.settings)
    principal.require_changes_allowed()
    return principal


def perform_on_wave(
    page: PageContext,
    wave: WaveSummary,
    change: Callable[[Work], T],
    *,
    done: str,
    slot: str = "",
    drawn: Sequence[object] = (),
) -> Success[T] | None:
    """Run `change` on a wave; keep message `done`, or for `slot` why not, with the wave's name.

    A success is said at the top of the page, whatever `slot` shows a failure. For `drawn` see
    `run_change`.
    """
    hint = about_wave(page, wave, page.t("Nothing was changed."))
    result = run_change(page, change, slot=slot, hints=[hint], drawn=drawn)
    if result is not None:
        set_feedback(page, about_wave(page, wave, done))
    return result


def run_change_below_button(
    page: PageContext,
    change: Callable[[Work], T],
    *,
    done: str | Callable[[T], str],
    slot: str,
    top: str = "",
    drawn: Sequence[object] = (),
) -> Success[T] | None:
    """Run `change`; keep its error as the message at `slot`, or `done` as that at `top`.

    A popover stays open when its change failed, perhaps far below the top of the page: on a phone
    a message up there would not be seen. The popover begins with `show_feedback` of its slot, a
    form has it above its button.

    Args:
        top: Slot of the message of success; the top of the page if empty.
        drawn: See `run_change`.
    """
    result = run_change(page, change, slot=slot, drawn=drawn)
    if result is not None:
        set_feedback(page, done if isinstance(done, str) else done(result.value), slot=top)
    return result


def change_on_click(
    page: PageContext,
    change: Callable[[Work], T],
    done: str | Callable[[T], str],
    slot: str = "",
    top: str = "",
) -> None:
    """Run `change` on a click; keep its error as message at `slot`, or `done` as that at `top`."""
    run_change_below_button(page, change, done=done, slot=slot, top=top, drawn=[change])


def change_wave_on_click(
    page: PageContext, wave: WaveSummary, change: Callable[[Work], object], done: str
) -> None:
    """Run `change` on a wave when a button is clicked; keep `done` or why not, with its name."""
    perform_on_wave(page, wave, change, done=done, drawn=[change])


def about_wave(page: PageContext, wave: WaveSummary, message: str) -> str:
    """Return a message that begins with title and key of the wave it is about."""
    return page.t("{wave}: {message}", wave=wave.full_name(page.language), message=message)


def set_feedback(page: PageContext, message: str, *, slot: str = "") -> None:
    """Keep a message of success for the next `show_feedback` of this page and its part `slot`."""
    _keep_message(page, slot, message)


def set_problem(page: PageContext, title: str, *, slot: str = "") -> None:
    """Keep message `title`, with "Nothing was changed.", for the next `show_feedback` of `slot`."""
    _keep_message(page, slot, _Problem(title, (), [page.t("Nothing was changed.")]))


def show_feedback(page: PageContext, slot: str = "", *, toast: bool = False) -> None:
    """Draw the message kept for part `slot` of the page, if there is one, and forget it.

    It takes one place of the page, with a message or without: if what follows moved up when a
    message goes, the browser would build it anew, close what is open there and lose a click.

    Args:
        toast: Success is said in a corner and disappears, for work that repeats quickly.
    """
    message = st.session_state.pop(_build_feedback_key(page, slot), None)
    place = st.empty()
    if toast and isinstance(message, str) and message:
        st.toast(escape_markdown(message))
    else:
        _draw_message(place, message)


def _draw_message(place: DeltaGenerator, message: str | _Problem | None) -> None:
    if isinstance(message, _Problem):
        with place:
            draw_notice(message.title, *message.hints, lines=message.lines, alert=True)
    elif message:
        place.success(escape_markdown(message))


@contextmanager
def feedback_above(page: PageContext, slot: str = "") -> Iterator[None]:
    """Draw the message of part `slot`, the block below it, and failures that the block left out.

    A refusal whose own place the block does not draw any more is said here: another tab or person
    took the step meanwhile, and its popover is gone.
    """
    message = st.session_state.pop(_build_feedback_key(page, slot), None)
    place = st.empty()
    _draw_message(place, message)
    yield
    prefix = _build_feedback_key(page, "")
    for key in [str(each) for each in st.session_state if str(each).startswith(prefix)]:
        if isinstance(st.session_state[key], _Problem):
            _draw_message(place, st.session_state.pop(key))


@contextmanager
def show_problems(t: Translator, *hints: str) -> Iterator[None]:
    """Run the block; draw a notice with `hints` if it raises a `SurveyError`."""
    try:
        yield
    except SurveyError as error:
        draw_notice(t(error.message), *hints, alert=True)


def _keep_message(page: PageContext, slot: str, message: str | _Problem) -> None:
    st.session_state[_build_feedback_key(page, slot)] = message


def _build_feedback_key(page: PageContext, slot: str) -> str:
    return f"feedback/{page.key}/{slot}"


def _describe_problems(
    page: PageContext, error: SurveyError, asked: tuple[Instrument, str] | None
) -> list[str]:
    """Return a line per wrong answer: label of its question in `asked`, and what is wrong."""
    if not isinstance(error, InvalidAnswersError):
        return []
    instrument, language = asked or (None, page.language)
    lines = []
    for problem in error.problems:
        text = problem.message
        note = page.t(text) if isinstance(text, Message) else label_text(text, language)
        item = instrument.by_name.get(problem.item) if instrument else None
        name = label_text(item.label, language, item.name) if item else problem.item
        lines.append(page.t("{name}: {note}", name=name, note=note))
    return lines


def record_view_once(page: PageContext, event: AuditEvent, subject: UUID | str) -> None:
    """Record in the audit trail that the reader views `subject`, at most every ten minutes."""
    seen: dict[Hashable, datetime] = st.session_state.setdefault(_RECORDED_VIEWS, {})
    key, moment = (page.principal.account_id, event, str(subject)), now()
    if key in seen and moment - seen[key] < VIEW_DEDUPLICATION_WINDOW:
        return
    run_in_transaction(
        page.settings.store_url,
        lambda session: record(
            session=session, actor=page.principal, event=event, subject_id=subject, now=moment
        ),
    )
    seen[key] = moment
