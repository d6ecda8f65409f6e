"""Interviews by day, dispositions of attempts, and response rates."""

from html import escape

import streamlit as st

from survey.fieldwork.progress import AreaProgress, Dispositions, ShareEstimate, WaveProgress
from survey.locale import Translator
from survey.ui.glossary import explain
from survey.ui.page_runner import PageContext
from survey.ui.progress.formatting import format_percent, format_share_interval


def draw_days(t: Translator, area: AreaProgress) -> None:
    days = sorted(area.days.items())
    if not days:
        return
    st.subheader(t("Interviews by day of receipt"), anchor=False)
    st.caption(t("Interviews that count towards the quota; today is not over yet."))
    most = max(number for _, number in days)
    rows = "".join(
        f'<tr><th scope="row">{day:%m-%d}</th><td>{number:,}</td>'
        f'<td class="bar"><div style="width:{number / most * 100:.0f}%"></div></td></tr>'
        for day, number in days
    )
    st.html(f'<table class="hcs-bars"><tbody>{rows}</tbody></table>')


def draw_rates(page: PageContext, seen: WaveProgress) -> None:
    t, ends = page.t, seen.dispositions
    st.subheader(t("How attempts ended"), anchor=False,
                 help=explain("disposition", page.language))  # fmt: skip
    st.caption(
        t(
            "Of those who opened or were handed a link, or were asked. People who walked past "
            "without either are not known to the platform. Definitions follow AAPOR."
        )
    )
    counts = (
        (t("Completed"), ends.complete), (t("Void"), ends.void), (t("Declined"), ends.refused),
        (t("Broken off"), ends.break_offs), (t("Link never opened"), ends.unknown_eligibility),
        (t("Screened out"), ends.screened_out), (t("Quota full"), ends.quota_full),
    )  # fmt: skip
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{number:,}</td></tr>'
        for name, number in counts
    )
    rate_lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in _rate_texts(t, ends)
    )
    st.html(f'<div class="hcs-findings"><table>{lines}</table><table>{rate_lines}</table></div>')


def _rate_texts(t: Translator, ends: Dispositions) -> list[tuple[str, str]]:
    def with_interval(share: ShareEstimate | None) -> str:
        return (
            "–"
            if share is None
            else f"{format_percent(share.value)} ({format_share_interval(t, share)})"
        )

    def plain(value: float | None) -> str:
        return "–" if value is None else format_percent(value)

    return [
        (t("Cooperation rate (COOP1)"), with_interval(ends.cooperation_rate_coop1)),
        (t("Response rate (RR3)"), plain(ends.response_rate_rr3)),
        (t("Lowest response rate (RR1)"), plain(ends.response_rate_rr1)),
        (t("Refusal rate (REF1)"), plain(ends.refusal_rate_ref1)),
        (t("Eligible, of those known (e)"), with_interval(ends.estimated_eligibility)),
    ]
