"""Second person of a step: the request that waits, and words on how many people it takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.fieldwork.planning.wave_requests import (
    ACT_ACTIONS,
    OpenRequest,
    PeopleRule,
    find_open_request,
    get_people_rule,
    withdraw_request,
)
from survey.locale import Message, msg
from survey.store.china_time import format_china_minute
from survey.store.tables import WaveAct
from survey.ui.feedback import perform_on_wave
from survey.ui.page_frame import draw_notice
from survey.ui.page_runner import PageContext

PEOPLE_RULE_TEXTS: dict[PeopleRule, Message] = {
    PeopleRule.TWO: msg("This takes two people: you request it, and another person confirms it."),
    PeopleRule.DEMO: msg(
        "In a demonstration one person is enough. In a real survey another person confirms."
    ),
    PeopleRule.ALONE: msg(
        "Nobody else has the right to confirm this, so one person is enough. The audit trail says "
        "so. An account for a second person makes it safer."
    ),
    PeopleRule.OFF: msg("In this installation one person is enough."),
}
_STEP_LABELS: dict[WaveAct, tuple[Message, Message, Message]] = {
    WaveAct.FREEZE: (
        msg("Freeze for good"), msg("Request the freeze"), msg("Confirm the freeze"),
    ),
    WaveAct.RELEASE: (
        msg("Release the results"), msg("Request the release"), msg("Confirm the release"),
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


MAX_NAMED_PEOPLE = 5


def draw_awaited_people(page: PageContext, title: str, names: Sequence[str]) -> None:
    """Draw that the signed-in person has done a step, and who does it next."""
    t, named = page.t, page.t(", ").join(names[:MAX_NAMED_PEOPLE])
    draw_notice(
        title,
        t("Next another person signs here: {names}.", names=named)
        if len(names) <= MAX_NAMED_PEOPLE
        else t(
            "Next another person signs here: {names}, or another of {count} people who may.",
            names=named,
            count=len(names),
        ),
    )


@dataclass(frozen=True)
class PersonStep:
    """What one person does in a step of a wave that may take two."""

    label: str
    is_request: bool
    """Whether another person confirms it later."""
    people_texts: tuple[str, ...]
    """How many people the step takes, and why; empty for the second one."""


def decide_person_step(
    page: PageContext, wave: WaveOverview, act: WaveAct, request: OpenRequest | None
) -> PersonStep:
    """Return what the signed-in person does: the step itself, its request or its confirmation."""
    if request is not None:
        return PersonStep(step_label(page, act, request), False, ())
    rule = _find_people_rule(page, wave, act)
    # The operator of the server archives, and is another person than anybody with an account.
    if rule is PeopleRule.TWO or (act is WaveAct.ARCHIVE and rule is PeopleRule.ALONE):
        text = page.t(PEOPLE_RULE_TEXTS[PeopleRule.TWO])
        return PersonStep(page.t(_STEP_LABELS[act][1]), True, (text,))
    return PersonStep(step_label(page, act, None), False, (page.t(PEOPLE_RULE_TEXTS[rule]),))


def step_label(page: PageContext, act: WaveAct, request: OpenRequest | None) -> str:
    """Return the name of a step, or of its confirmation if somebody requested it."""
    alone, _, confirm = _STEP_LABELS[act]
    return page.t(alone if request is None else confirm)


def find_request(page: PageContext, wave: WaveOverview) -> OpenRequest | None:
    """Return the request of the wave that waits for a second person."""
    with page.read() as work:
        return find_open_request(work, key=wave.key)


def _find_people_rule(page: PageContext, wave: WaveOverview, act: WaveAct) -> PeopleRule:
    """Return how many people a step of the wave takes."""
    with page.read() as work:
        return get_people_rule(
            work, key=wave.key, act=act, two_people=page.settings.two_person_freeze
        )


def draw_request(page: PageContext, wave: WaveOverview) -> None:
    """Draw the open request, and the button that withdraws it for people with the right to."""
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
        st.button(label, key="plan-withdraw", on_click=_withdraw_request, args=(page, wave))


def _withdraw_request(page: PageContext, wave: WaveOverview) -> None:
    def change(work: Work) -> None:
        withdraw_request(work, key=wave.key)

    perform_on_wave(page, wave, change, done=page.t("The request is withdrawn."))
