"""What the back-checks say: the rate, who stands out, which questions differ, case by case."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from survey.fieldwork.back_check import (
    FAILED_FROM,
    OUTCOME_NAMES,
    BackCheckResults,
    Case,
    Difference,
    GroupRow,
    ItemRow,
    Nature,
    back_check_results,
)
from survey.fieldwork.progress import Share
from survey.locale import Translator
from survey.publish.views.names import Names
from survey.store.engine import read_scope
from survey.store.tables import Outcome
from survey.ui import blocks
from survey.ui.back_check.choice import Choice
from survey.ui.back_check.consequences import consequences
from survey.ui.back_check.outcome import label
from survey.ui.back_check.tables import table
from survey.ui.furniture import notice
from survey.ui.glossary import explain
from survey.ui.navigation import BY_KEY, PageKey
from survey.ui.page import Visit
from survey.ui.progress.words import between, percent
from survey.ui.reviewed import answer_words

_LISTED = 30


def results(visit: Visit, choice: Choice) -> None:
    t = visit.t
    with read_scope(visit.settings.store_url) as session:
        back_checks = back_check_results(
            session=session, principal=visit.principal, wave_id=choice.wave.id,
            city_code=choice.city_code,
        )  # fmt: skip
    if not back_checks.everybody.drawn:
        notice(
            t("Nothing has been drawn yet"),
            t("Draw interviews in the view “Draw”; what was said stands under “Results”."),
        )
        return
    _answer(visit, back_checks)
    _people(visit, back_checks)
    _points(t, back_checks)
    _questions(visit, back_checks)
    _cases(visit, choice, back_checks)
    consequences(visit, choice, back_checks)


def _answer(visit: Visit, back_checks: BackCheckResults) -> None:
    t, everybody = visit.t, back_checks.everybody
    rate, failed = everybody.by_lot, t("failed")
    explained = escape(explain("failed back-check", visit.language) or "", quote=True)
    if rate is None:
        blocks.say(t("Nobody drawn by lot has been asked yet."))
    else:
        st.html(
            f'<div class="hcs-answer"><span class="number">{percent(rate.value)}</span>'
            f'<span class="unit"><abbr title="{explained}">{escape(failed)}</abbr></span>'
            f'<span class="interval">{escape(between(t, rate))}</span><p>'
            + escape(t("Of {count} people drawn by lot and asked again.", count=f"{rate.of:,}"))
            + "</p></div>"
        )
    counts = " · ".join(
        t("{outcome}: {count}", outcome=t(OUTCOME_NAMES[outcome]),
          count=f"{everybody.outcomes.get(outcome, 0):,}")
        for outcome in Outcome
    )  # fmt: skip
    st.caption(t("{count} drawn", count=f"{everybody.drawn:,}") + " · " + counts)
    st.caption(
        t(
            "A back-check fails when the person was never interviewed or at least {count} stable "
            "facts differ. Opinions may change and fail nobody.",
            count=FAILED_FROM,
        )
    )


def _people(visit: Visit, back_checks: BackCheckResults) -> None:
    t, names = visit.t, Names(visit.language, None)
    st.subheader(t("By surveyor"), anchor=False)
    st.caption(
        t(
            "▲ stands out: at least two failed, and the interval lies above the rate of all. With "
            "many surveyors one in forty does so by chance: talk first."
        )
    )
    heads = (
        t("Surveyor"), t("City"), t("Drawn"), t("Asked"), t("Failed"), t("Failed, by lot"),
        t("To be trained by"),
    )  # fmt: skip
    rows = [
        (
            ("▲ " if row.stands_out else "") + row.name,
            names.area(row.city_code) if row.city_code else "",
            f"{row.drawn:,}", f"{row.checked:,}", f"{row.failed:,}", _rate(row.by_lot),
            f"{row.retrain_by:%Y-%m-%d}" if row.retrain_by else "",
        )
        for row in back_checks.surveyors[:_LISTED]
    ]  # fmt: skip
    st.html(table(heads, rows))
    _more(t, len(back_checks.surveyors))


def _points(t: Translator, back_checks: BackCheckResults) -> None:
    failed = [row for row in back_checks.points if row.failed]
    if not failed:
        return
    st.subheader(t("Points with failed back-checks"), anchor=False)
    heads = (t("Point"), t("Drawn"), t("Asked"), t("Failed"), t("Failed, by lot"))
    rows = [_point(row) for row in failed[:_LISTED]]
    st.html(table(heads, rows))
    _more(t, len(failed))


def _point(row: GroupRow) -> tuple[str, ...]:
    return (
        ("▲ " if row.stands_out else "") + row.name, f"{row.drawn:,}", f"{row.checked:,}",
        f"{row.failed:,}", _rate(row.by_lot),
    )  # fmt: skip


def _questions(visit: Visit, back_checks: BackCheckResults) -> None:
    t = visit.t
    st.subheader(t("What was said otherwise"), anchor=False)
    natures = ((Nature.FACT, t("Stable facts")), (Nature.OPINION, t("Opinions")))
    heads = (t("Compared"), t("Differ"))
    for nature, title in natures:
        rows = [
            _question(visit, row) for row in back_checks.items if row.comparison.nature is nature
        ]
        st.html(table((title, *heads), rows, long_names=True))


def _question(visit: Visit, row: ItemRow) -> tuple[str, str, str]:
    compared = "0" if row.differs is None else f"{row.differs.of:,}"
    return label(row.item, visit.language), compared, _rate(row.differs)


def _cases(visit: Visit, choice: Choice, back_checks: BackCheckResults) -> None:
    t = visit.t
    if not back_checks.failed:
        return
    st.subheader(
        t("Failed back-checks: {count}", count=f"{len(back_checks.failed):,}"), anchor=False
    )
    lines = "".join(
        f"<li>{_case(visit, choice, case)}</li>" for case in back_checks.failed[:_LISTED]
    )
    st.html(f'<ol class="hcs-todo">{lines}</ol>')
    _more(t, len(back_checks.failed))


def _case(visit: Visit, choice: Choice, case: Case) -> str:
    t = visit.t
    text = (
        t(OUTCOME_NAMES[case.outcome])
        if case.outcome is Outcome.NEVER_INTERVIEWED
        else "; ".join(_difference(visit, difference) for difference in case.differences)
    )
    who = escape(" · ".join(part for part in (case.surveyor, case.point_name) if part))
    look = _link(visit, PageKey.REVIEW, {"wave": choice.wave.key, "status": "all",
                                         "interview": str(case.response_id)})  # fmt: skip
    mend = _link(visit, PageKey.BACK_CHECK, {"wave": choice.wave.key, "call": str(case.check_id)})
    links = ((look, t("Look at the interview")), (mend, t("Enter again")))
    shown = " · ".join(
        f'<a href="{target}" target="_self">{escape(words)}</a>' for target, words in links
    )
    return f"{who}: {escape(text)} ({shown})"


def _link(visit: Visit, page: PageKey, query: dict[str, str]) -> str:
    address = f"/{BY_KEY[page].url}?{urlencode({**query, 'lang': visit.language})}"
    return escape(address, quote=True)


def _difference(visit: Visit, difference: Difference) -> str:
    t = visit.t
    then, again = (
        answer_words(t, difference.item, answer, visit.language)
        for answer in (difference.then, difference.again)
    )
    return t(
        "{question} then {then}, now {again}", question=label(difference.item, visit.language),
        then=then, again=again,
    )  # fmt: skip


def _rate(share: Share | None) -> str:
    if share is None:
        return "–"
    return f"{percent(share.value)} ({percent(share.low)}–{percent(share.high)})"


def _more(t: Translator, total: int) -> None:
    if total > _LISTED:
        st.caption(t("and {count} more", count=total - _LISTED))
