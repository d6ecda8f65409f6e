"""Traders in complaints in words: what stands beside every list, and its tables."""

from survey.counts.complaint_view import name_area
from survey.counts.complaints.sums import share_in_percent
from survey.counts.trader_hearings import NAMING_STATE_NAMES, STANCE_NAMES, find_naming_state
from survey.counts.trader_lists import JOIN_STATE_NAMES, JoinState, TraderRow, TraderView
from survey.figures.views.experience_check import HIDDEN_TEXT
from survey.locale import Translator, msg
from survey.locale.figures import format_count, format_percent
from survey.store.china_time import format_china_minute, format_day

NO_FINDING = msg(
    "A complaint is what a consumer reported. It is no finding that a trader did wrong, and a "
    "large trader has more complaints than a small one. The order is that of the names."
)
Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def describe_list(view: TraderView, t: Translator, language: str) -> str:
    """Return area and year of a list."""
    return t("{area}, {year}", area=name_area(view.area, language), year=view.year)


def describe_base(view: TraderView, t: Translator) -> str:
    """Return the complaints of the whole area and year, and the share of them settled."""
    accepted = view.whole.get("accepted")
    return t(
        "All complaints of the area in this year: {count}; settled: {share}.",
        count=format_count(accepted),
        share=_format_settled(view.whole.get("solved"), accepted, t),
    )


def _format_settled(settled: float | None, cases: float | None, t: Translator) -> str:
    share = share_in_percent(settled, cases)
    return t(HIDDEN_TEXT) if share is None else format_percent(share, 1)


def build_list_table(view: TraderView, t: Translator) -> Table:
    """Return the names of a list by name, with complaints, share settled, and where they stand."""
    heads = (t("Name"), t("Complaints"), t("Settled"), t("State"))
    return heads, [
        (
            row.name,
            "–" if row.into and row.state is not JoinState.JOIN_ASKED else format_count(row.cases),
            _format_settled(row.settled, row.cases, t),
            describe_state(row, t),
        )
        for row in sorted((*view.rows, *view.joined), key=lambda each: each.name)
    ]


def describe_state(row: TraderRow, t: Translator) -> str:
    """Return where a name stands: joined or to be joined, heard, named."""
    if row.into:
        state = t(JOIN_STATE_NAMES[row.state])
        return t("{state}: {name}", state=state, name=row.into)
    if row.hearing is None:
        return "–"
    return t(NAMING_STATE_NAMES[find_naming_state(row.hearing)])


def build_named_table(view: TraderView, t: Translator) -> Table:
    """Return the public names of a list by name, each with its answer beside it."""
    heads = (
        t("Name"), t("Complaints"), t("Settled"), t("Answer of the trader"),
        t("Answer of the association"), t("Made public at"),
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for row in view.rows:
        hearing = row.hearing
        assert hearing is not None
        assert hearing.named_at is not None
        stance = t(STANCE_NAMES[hearing.stance]) if hearing.stance else ""
        answer = (
            t("{stance}: {words}", stance=stance, words=hearing.text)
            if hearing.stance
            else t("No answer until {day}.", day=format_day(t, hearing.due_on))
        )
        rows.append(
            (
                row.name,
                format_count(row.cases),
                _format_settled(row.settled, row.cases, t),
                answer,
                hearing.answer or "–",
                format_china_minute(t, hearing.named_at),
            )
        )
    return heads, rows
