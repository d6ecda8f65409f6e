"""Switch for what full quotas do, as `survey quota` on the command line."""

from functools import partial

import streamlit as st
from sqlmodel import Session

from survey.access.principal import Principal
from survey.access.roles import Action
from survey.fieldwork.planning.wave_overview import WaveOverview
from survey.fieldwork.quotas import (
    CHANGEABLE,
    QuotaPolicy,
    QuotaPolicySummary,
    get_quota_policy_summary,
    set_quota_policy,
)
from survey.locale import Message, msg
from survey.store.engine import read_scope
from survey.store.tables import now
from survey.ui.feedback import perform
from survey.ui.page_runner import PageContext

_NAMES: dict[QuotaPolicy, Message] = {
    QuotaPolicy.STOP: msg("Full quotas turn people away"),
    QuotaPolicy.COUNT: msg("Full quotas go on counting"),
}


def draw_quota_policy(page: PageContext, sheet: WaveOverview) -> None:
    """Draw the present rule, and its switch while principal and state allow a change."""
    t = page.t
    with read_scope(page.settings.store_url) as session:
        rule = get_quota_policy_summary(
            session=session, principal=page.principal, wave_key=sheet.key
        )
    if not rule.of:
        return
    st.subheader(t("When a quota is full"), anchor=False)
    st.write(_policy_text(page, rule))
    st.caption(
        t(
            "Whoever finishes an interview that is not needed any more is thanked; it is kept and "
            "does not count. Interviews that are in the store stay what they are."
        )
    )
    if not page.principal.may(Action.ADMINISTER):
        return
    if sheet.state not in CHANGEABLE:
        st.caption(t("This cannot be changed any more: the wave takes no interviews."))
        return
    with st.container(horizontal=True):
        for to, name in _NAMES.items():
            st.button(
                t(name), key=f"plan-policy-{to}", disabled=rule.policy is to,
                on_click=partial(_save_policy, page, sheet, to),
            )  # fmt: skip


def _policy_text(page: PageContext, rule: QuotaPolicySummary) -> str:
    if rule.policy is not None:
        return page.t(_NAMES[rule.policy])
    return page.t(
        "{stopping} of {of} quotas turn people away once they are full, the others go on counting.",
        stopping=f"{rule.stopping:,}", of=f"{rule.of:,}",
    )  # fmt: skip


def _save_policy(page: PageContext, sheet: WaveOverview, to: QuotaPolicy) -> None:
    def change(session: Session, person: Principal) -> None:
        set_quota_policy(
            session=session, principal=person, wave_key=sheet.key, policy=to, now=now()
        )

    perform(page, change, done=page.t(_NAMES[to]) + ".")
