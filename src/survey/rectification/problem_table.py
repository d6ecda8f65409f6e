"""Problem lists as tables, counts by state, and reminders of what is due."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from survey.locale import Message, Translator, msg
from survey.rectification.problem_records import BASIS_NAMES, STATE_NAMES, ProblemRecord
from survey.store.china_time import format_day
from survey.store.tables import ProblemState

DUE_DAYS = 14
"""Days ahead of a deadline in which the start page reminds of it."""
EMPTY = "–"


@dataclass(frozen=True)
class ProblemFilter:
    """Choice of which problems are listed: its name, and a function that accepts a problem."""

    name: Message
    accepts: Callable[[ProblemRecord, date], bool]


def _is_in(state: ProblemState) -> Callable[[ProblemRecord, date], bool]:
    return lambda problem, _: problem.state is state


PROBLEM_FILTERS: Mapping[str, ProblemFilter] = {
    "all": ProblemFilter(msg("all problems"), lambda problem, _: problem.stands),
    "overdue": ProblemFilter(msg("overdue"), ProblemRecord.is_overdue),
    "due": ProblemFilter(
        msg("due within 14 days"), lambda problem, today: problem.is_due(today, DUE_DAYS)
    ),
    **{state.value: ProblemFilter(name, _is_in(state)) for state, name in STATE_NAMES.items()},
}
"""Parts of a list by code, in the order in which they are offered and counted."""


def count_problems(problems: Iterable[ProblemRecord], today: date) -> dict[str, int]:
    """Return `filter code -> number of problems` that the filter keeps."""
    listed = list(problems)
    return {
        code: sum(each.accepts(problem, today) for problem in listed)
        for code, each in PROBLEM_FILTERS.items()
    }


def list_reminders(problems: Sequence[ProblemRecord], today: date) -> dict[str, int]:
    """Return filter code -> number of problems overdue, due soon or to be accepted; no zeros."""
    counts = Counter(count_problems(problems, today))
    wanted = ("overdue", "due", ProblemState.DONE.value)
    return {code: counts[code] for code in wanted if counts[code]}


def order_problems(problems: Iterable[ProblemRecord], today: date) -> list[ProblemRecord]:
    """Return the problems with what is overdue first, then by deadline; those without one last."""
    return sorted(
        problems,
        key=lambda each: (not each.is_overdue(today), each.deadline or date.max, each.city_code),
    )


WHOLE_COLUMNS = (0, 4)
"""Number or city, and deadline: columns whose cells stay on one line."""


def problem_heads(t: Translator, *, with_city: bool, with_trend: bool) -> list[str]:
    """Return the column heads of the table whose rows `format_problem` writes."""
    return [
        t("City") if with_city else t("No."),
        t("Problem"),
        t("Rests on"),
        t("Responsible unit"),
        t("Deadline"),
        t("State"),
        *([t("Measured since")] if with_trend else []),
    ]


def format_problem(
    t: Translator,
    problem: ProblemRecord,
    *,
    first: str,
    figure: str,
    trend: str | None,
    today: date,
) -> list[str]:
    """Return the cells of a problem's row, `first` leading, in the columns of `problem_heads`.

    Args:
        first: Number on the list, or the name of the city.
        figure: Names of indicator and group.
        trend: What the next wave says; None leaves the column out.
    """
    return [
        first,
        problem.wording,
        f"{figure} · {t(BASIS_NAMES[problem.basis])}",
        problem.unit or EMPTY,
        format_day(t, problem.deadline) if problem.deadline else EMPTY,
        format_state(t, problem, today),
        *([] if trend is None else [trend or EMPTY]),
    ]


def format_state(t: Translator, problem: ProblemRecord, today: date) -> str:
    """Return the name of a problem's state, with "overdue" if its deadline is over."""
    state = t(STATE_NAMES[problem.state])
    return t("{state} · overdue", state=state) if problem.is_overdue(today) else state
