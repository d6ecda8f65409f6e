"""Steps of a wave from planned to released: their dialogs, and requests to a second person."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from survey.access.approval import PeopleRule
from survey.access.principal import OPERATOR
from survey.access.roles import Action
from survey.access.work import Work
from survey.kit.feedback import change_wave_on_click, perform_on_wave, show_feedback
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext, open_dialog
from survey.kit.signing import PEOPLE_RULE_TEXTS
from survey.kit.text_blocks import escape_markdown
from survey.locale import Message, msg
from survey.store.china_time import format_china_minute
from survey.store.tables import WaveAct, WaveState
from survey.waves.planning.wave_overview import WaveOverview, WaveStage, list_wave_stages
from survey.waves.planning.wave_requests import (
    ACT_ACTIONS,
    OpenRequest,
    find_open_request,
    get_people_rule,
    withdraw_request,
)
from survey.waves.waves import require_wave_name, transition_wave

_STEP_LABELS: dict[WaveAct, tuple[Message, Message, Message]] = {
    WaveAct.FREEZE: (
        msg("Freeze for good"), msg("Request the freeze"), msg("Confirm the freeze"),
    ),
    WaveAct.ARCHIVE: (
        msg("Archive the answers"), msg("Request the archive"), msg("Confirm the archive"),
    ),
}  # fmt: skip
"""What a button says to one person who is enough, to the first, and to the second of two."""
_ASKED: dict[WaveAct, Message] = {
    WaveAct.FREEZE: msg("{person} requested on {time} that this wave be frozen for good."),
    WaveAct.RELEASE: msg("{person} requested on {time} that the results be released."),
    WaveAct.ARCHIVE: msg(
        "{person} requested on {time} that the answers be archived. The operator of the server "
        "does it with the command survey wave archive-answers."
    ),
}


@dataclass(frozen=True)
class PersonStep:
    """What the signed-in person does in a step that may need two people, and the button's label."""

    label: str
    is_request: bool
    """Whether another person confirms it later."""
    people_texts: tuple[str, ...]
    """How many people the step takes, and why; empty for the second one."""


def decide_person_step(
    page: PageContext, wave: WaveOverview, act: WaveAct, request: OpenRequest | None
) -> PersonStep:
    """Return the signed-in person's part in `act`: do it all, request it, or confirm `request`."""
    if request is not None:
        return PersonStep(step_label(page, act, request), False, ())
    with page.read() as work:
        rule = get_people_rule(work, key=wave.key, act=act)
    # The operator of the server archives, and is another person than anybody with an account.
    if rule is PeopleRule.TWO or (act is WaveAct.ARCHIVE and rule is PeopleRule.ALONE):
        text = page.t(PEOPLE_RULE_TEXTS[PeopleRule.TWO])
        return PersonStep(page.t(_STEP_LABELS[act][1]), True, (text,))
    return PersonStep(step_label(page, act, None), False, (page.t(PEOPLE_RULE_TEXTS[rule]),))


def step_label(page: PageContext, act: WaveAct, request: OpenRequest | None) -> str:
    """Return the label of act `act`, or of its confirmation if `request` is given."""
    alone, _, confirm = _STEP_LABELS[act]
    return page.t(alone if request is None else confirm)


def find_request(page: PageContext, wave: WaveOverview) -> OpenRequest | None:
    """Return the request for a step of the wave that awaits a second person; None without one."""
    with page.read() as work:
        return find_open_request(work, key=wave.key)


def draw_request(page: PageContext, wave: WaveOverview) -> None:
    """Draw the request for a step that awaits a second person, with a button that withdraws it."""
    request = find_request(page, wave)
    if request is None:
        return
    t = page.t
    person = t("The operator of the server") if request.by == OPERATOR.name else request.by
    asked = t(_ASKED[request.act].msgid, person=person, time=format_china_minute(t, request.at))
    if request.is_own:
        next_step = t("You requested this yourself. Another person confirms it.")
    else:
        next_step = t("A second person looks at it and confirms or refuses.")
    draw_notice(t("A request waits for a second person"), asked, next_step)
    if page.principal.may(ACT_ACTIONS[request.act]):
        label = t("Withdraw the request") if request.is_own else t("Refuse the request")
        args = page, wave, partial(withdraw_request, key=wave.key), t("The request is withdrawn.")
        st.button(label, key="plan-withdraw", on_click=change_wave_on_click, args=args)


IN_DIALOG = "dialog"
"""Where a dialog shows what went wrong; it stays open then."""
_DIALOG_DONE, _DIALOG_OPEN = "plan/dialog-done", "plan/dialog-open"
_STAGE_NAMES: dict[WaveState, Message] = {
    WaveState.PLANNED: msg("Plan"),
    WaveState.OPEN: msg("Collect"),
    WaveState.CLOSED: msg("End"),
    WaveState.FROZEN: msg("Freeze"),
    WaveState.RELEASED: msg("Release"),
}


@dataclass(frozen=True)
class _Step:
    """Transition of a wave that one person makes: new state, label, consequences, message."""

    to: WaveState
    label: Message
    done: Message
    consequences: tuple[Message, ...]


_OPEN = _Step(
    WaveState.OPEN,
    msg("Open the wave"),
    msg("The wave is open: interviews can be collected."),
    (
        msg("Surveyors can interview from now on."),
        msg("Series, year, questionnaire, indicator tree, first day and oversampling are fixed."),
        msg("The wave can be closed, and opened again."),
    ),
)
_CLOSE = _Step(
    WaveState.CLOSED,
    msg("Close the wave"),
    msg("The wave is closed: no interview arrives any more."),
    (
        msg("No interview arrives any more; whoever opens a link reads that the survey is over."),
        msg("Review goes on. The plan cannot be changed."),
        msg("The wave can be opened again."),
    ),
)
_REOPEN = _Step(
    WaveState.OPEN,
    msg("Open the wave again"),
    msg("The wave is open again."),
    (
        msg("Interviews can be collected again, and points and people added."),
        msg("The wave has to be closed again before it is frozen for good."),
    ),
)


def close_finished_dialog(page: PageContext) -> None:
    """Forget that a dialog is open, when the whole page is drawn; draw its error, if any."""
    st.session_state.pop(_DIALOG_DONE, None)
    st.session_state.pop(_DIALOG_OPEN, None)
    show_feedback(page, IN_DIALOG)


def is_dialog_open() -> bool:
    """Return whether a dialog is open; drawing the whole page would close it."""
    return _DIALOG_OPEN in st.session_state


def finish_dialog() -> None:
    """Mark the open dialog as finished, so that its next run closes it."""
    st.session_state[_DIALOG_DONE] = True


def perform_in_dialog(
    page: PageContext, wave: WaveOverview, change: Callable[[Work], None], done: str
) -> bool:
    """Run `change` from a dialog; close it and say `done`, or show the error; return success.

    The second press of a double click comes when the change is made and the dialog not yet gone:
    it changes nothing, and no refusal is said beside the success.
    """
    if _DIALOG_DONE in st.session_state:
        return False
    succeeded = perform_on_wave(page, wave, change, done=done, slot=IN_DIALOG) is not None
    if succeeded:
        finish_dialog()
    return succeeded


def draw_name_field(page: PageContext, wave: WaveOverview, act: WaveAct) -> None:
    """Draw the field for the wave's name, which confirms the step `act` that cannot be undone."""
    st.text_input(
        page.t("Type {key}, or the title of the wave, to confirm", key=wave.key),
        key=f"plan-{act}-name",
        autocomplete="off",
    )


def get_typed_name(act: WaveAct) -> str:
    """Return the wave's name as typed in the dialog of act `act`; "" if nothing was typed."""
    return str(st.session_state.get(f"plan-{act}-name") or "")


def perform_named_step(
    page: PageContext, wave: WaveOverview, act: WaveAct, change: Callable[[Work], None], done: str
) -> bool:
    """Run `change` from the dialog of `act` if the wave's name was typed; return success."""
    typed = get_typed_name(act)

    def change_if_named(work: Work) -> None:
        require_wave_name(wave, typed)
        change(work)

    return perform_in_dialog(page, wave, change_if_named, done=done)


def draw_stages(page: PageContext, wave: WaveOverview) -> None:
    """Draw the five states of a wave, with time and person of those already reached."""
    with page.read() as work:
        stages = list_wave_stages(work, key=wave.key)
    items = "".join(_render_stage(page, stage) for stage in stages)
    label = escape(page.t("State of the wave"))
    st.html(f'<ol class="hcs-stages" aria-label="{label}">{items}</ol>')


def _render_stage(page: PageContext, stage: WaveStage) -> str:
    name = escape(page.t(_STAGE_NAMES[stage.state]))
    css = "current" if stage.is_current else "reached" if stage.is_reached else "ahead"
    current = ' aria-current="step"' if stage.is_current else ""
    detail = ""
    if stage.at is not None:
        by = page.t("on the server") if stage.by == OPERATOR.name else stage.by
        at = format_china_minute(page.t, stage.at)
        detail = f"<small>{escape(f'{at} {by}'.strip())}</small>"
    elif not stage.is_reached:
        text = page.t("not yet")
        detail = f"<small>{escape(text)}</small>"
    return f'<li class="{css}"{current}><b>{name}</b>{detail}</li>'


def draw_field_steps(page: PageContext, wave: WaveOverview) -> None:
    """Draw the button of the next step in the field: open, close, or open again."""
    steps = {WaveState.PLANNED: _OPEN, WaveState.OPEN: _CLOSE, WaveState.CLOSED: _REOPEN}
    step = steps.get(wave.state)
    if step is not None and page.principal.may(Action.PLAN):
        draw_dialog_button(
            page,
            wave,
            page.t(step.label),
            key=f"plan-step-{step.to.value}",
            is_next=step is not _REOPEN,
            body=partial(_draw_step_dialog, page, wave, step),
        )


def draw_reopen_button(page: PageContext, wave: WaveOverview, label: str, *, key: str) -> None:
    """Draw a button, with this label, for the dialog that opens a closed wave again."""
    body = partial(_draw_step_dialog, page, wave, _REOPEN)
    draw_dialog_button(page, wave, label, key=key, is_next=False, body=body)


def draw_dialog_button(
    page: PageContext,
    wave: WaveOverview,
    label: str,
    *,
    key: str,
    is_next: bool,
    body: Callable[[], None],
) -> None:
    """Draw a button (primary if `is_next`) that opens a dialog: the wave's name, then `body`.

    Args:
        is_next: The step comes next: of all buttons on the page it alone is the primary one.
        body: Draws what follows the name of the wave.
    """

    def draw() -> None:
        if _DIALOG_DONE in st.session_state:
            # Forgotten when the page is drawn: a press that comes until then is of this dialog.
            st.rerun()
        st.session_state[_DIALOG_OPEN] = True
        st.markdown(f"**{escape_markdown(wave.full_name(page.language))}**")
        show_feedback(page, IN_DIALOG)
        body()

    if st.button(f"{label} …", key=key, type="primary" if is_next else "secondary"):
        open_dialog(page, label, draw, on_dismiss="rerun")


def draw_consequences(consequences: list[str], *, warnings: str = "") -> None:
    """Draw the consequences of a step as a list, below a warning if there is one."""
    if warnings:
        st.warning(warnings)
    st.markdown("\n".join(f"- {consequence}" for consequence in consequences))


def draw_move_button(label: str, step: str, move: Callable[..., Any], *args: object) -> None:
    """Draw a dialog's final button, whose press calls `move` with `args`; `step` is in its key.

    Args:
        step: Name of the step in the key of the button.
        move: What the press calls with `args`, before the page is drawn again.
    """
    st.button(label, key=f"plan-move-{step}", type="primary", on_click=move, args=args)


def _draw_step_dialog(page: PageContext, wave: WaveOverview, step: _Step) -> None:
    t = page.t
    warning = ""
    if step is _OPEN and wave.warnings:
        lacking = "; ".join(t(missing) for missing in wave.warnings)
        warning = t("The wave can be opened, but: {lacking}.", lacking=lacking)
    draw_consequences([t(text) for text in step.consequences], warnings=warning)
    change = partial(transition_wave, key=wave.key, to=step.to)
    draw_move_button(
        t(step.label), step.to.value, perform_in_dialog, page, wave, change, t(step.done)
    )
