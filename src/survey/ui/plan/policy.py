"""What full quotas do: the switch on the page, as `survey quota` on the command line."""

from functools import partial

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Action, Principal
from survey.fieldwork.planning.reading import WaveSheet
from survey.fieldwork.quota_policy import (
    CHANGEABLE,
    QuotaPolicy,
    QuotaRule,
    quota_rule,
    set_quota_policy,
)
from survey.locale import Message, msg
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.page import Visit
from survey.ui.plan.outcome import act

_NAMES: dict[QuotaPolicy, Message] = {
    QuotaPolicy.STOP: msg("Full quotas turn people away"),
    QuotaPolicy.COUNT: msg("Full quotas go on counting"),
}


def policy(visit: Visit, sheet: WaveSheet) -> None:
    """What holds now; the switch, for whoever may turn it and while the state allows it."""
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        rule = quota_rule(session=session, principal=visit.principal, wave_key=sheet.key)
    if not rule.of:
        return
    st.subheader(t("When a quota is full"), anchor=False)
    st.write(_said(visit, rule))
    st.caption(
        t(
            "Whoever finishes an interview that is not needed any more is thanked; it is kept and "
            "does not count. Interviews that are in the store stay what they are."
        )
    )
    if not visit.principal.may(Action.ADMINISTER):
        return
    if sheet.state not in CHANGEABLE:
        st.caption(t("This cannot be changed any more: the wave takes no interviews."))
        return
    with st.container(horizontal=True):
        for to, name in _NAMES.items():
            st.button(
                t(name), key=f"plan-policy-{to}", disabled=rule.policy is to,
                on_click=partial(_switch, visit, sheet, to),
            )  # fmt: skip


def _said(visit: Visit, rule: QuotaRule) -> str:
    if rule.policy is not None:
        return visit.t(_NAMES[rule.policy])
    return visit.t(
        "{stopping} of {of} quotas turn people away once they are full, the others go on counting.",
        stopping=f"{rule.stopping:,}", of=f"{rule.of:,}",
    )  # fmt: skip


def _switch(visit: Visit, sheet: WaveSheet, to: QuotaPolicy) -> None:
    def change(session: Session, person: Principal) -> None:
        set_quota_policy(
            session=session, principal=person, wave_key=sheet.key, policy=to, now=now()
        )

    act(visit, change, visit.t(_NAMES[to]) + ".")
