"""What waits for a person: each thing to do with its number, time and the place where it is done.

One list for every role. A number is that of the page it leads to (`tests/pages/test_waiting.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from survey.access.account_list import list_pending_accounts
from survey.access.principal import AccessDeniedError
from survey.access.roles import NATION, Action
from survey.access.work import Work
from survey.comparative_tests.reading import list_comparative_tests
from survey.comparative_tests.released_grades import is_test_to_sign, list_tests_with_open_errata
from survey.counts.closed_months import list_months_to_close
from survey.counts.count_kinds import COMPLAINTS, COUNT_KINDS
from survey.counts.overdue_deliveries import list_overdue_months
from survey.counts.trader_hearings import is_naming_to_sign
from survey.counts.trader_lists import read_trader_lists
from survey.counts.trader_view import describe_list
from survey.experience_checks.reading import list_experience_checks
from survey.experience_checks.release import is_check_to_sign
from survey.experience_checks.visit_approval import list_visits_to_approve
from survey.locale import LANGUAGES, Labels, Message, msg, translator
from survey.rectification.problem_records import list_problems
from survey.rectification.problem_table import PROBLEM_FILTERS, list_reminders
from survey.release.register import list_publications
from survey.release.signatures import list_awaited_signers
from survey.results import WaveInfo
from survey.review.parked_decisions import count_parked, find_oldest_parked_at
from survey.review.review_queue import list_review_work
from survey.store.china_time import china_date
from survey.store.tables import (
    ComparativeTestState,
    ProblemState,
    PublicationState,
    Status,
    WaveAct,
    WaveState,
)
from survey.waves.planning.wave_requests import ACT_ACTIONS, list_requests_to_confirm

_DECISIONS = {
    Status.SUBMITTED: msg("Interviews to review"),
    Status.CITY_APPROVED: msg("Interviews for the second approval"),
}


_REMINDED = {
    "overdue": Action.KEEP_PROBLEMS,
    "due": Action.KEEP_PROBLEMS,
    ProblemState.DONE.value: Action.ACCEPT_PROBLEMS,
}
"""Whose turn it is with the problems of a list that are reminded of."""
_REQUESTS = {
    WaveAct.FREEZE: msg("Freeze to confirm"),
    WaveAct.RELEASE: msg("Release of a wave to confirm"),
}


@dataclass(frozen=True)
class WaitingItem:
    """One thing that waits: what, how many, of which wave or release, since when, until when."""

    what: Message
    count: int
    about: Labels
    """Title of the wave or release; empty where it is about all of them."""
    page: str
    """Key of the page where it is done."""
    query: Mapping[str, str]
    """Parameters of the address with which that page opens on just these."""
    since: datetime | None = None
    due: date | None = None
    """Day in China."""


def list_waiting(work: Work, *, waves: Sequence[WaveInfo]) -> list[WaitingItem]:
    """Return what the principal can do now: first what has a deadline, the nearest first.

    Args:
        waves: Every wave with results, as the caller keeps them: lists of problems are about these.

    Raises:
        AccessDeniedError: nothing of it is open to the principal.
    """
    may = work.principal.may
    kinds = Action.REVIEW, Action.RELEASE, Action.READ_PROBLEMS, Action.MANAGE_PRODUCT_TESTS
    if not any(map(may, kinds)):
        raise AccessDeniedError(msg("Your role does not include this."))
    items = [
        *(_list_decisions(work) if may(Action.REVIEW) else ()),
        *(_list_requests(work) if any(map(may, ACT_ACTIONS.values())) else ()),
        *(_list_releases(work) if may(Action.RELEASE) else ()),
        *(_list_tests(work) if may(Action.MANAGE_PRODUCT_TESTS) else ()),
        *(_list_checks(work) if may(Action.MANAGE_VENUE_CHECKS) else ()),
        *(_list_links(work) if may(Action.ADMINISTER) else ()),
        *(_list_problem_lists(work, waves) if may(Action.READ_PROBLEMS) else ()),
        *(_list_deliveries(work) if may(Action.DELIVER_EVIDENCE) else ()),
        *(_list_months_to_close(work) if may(Action.DELIVER_EVIDENCE) else ()),
        *(_list_traders(work) if may(Action.DELIVER_EVIDENCE) else ()),
    ]
    return sorted(items, key=lambda item: item.due or date.max)


def _list_decisions(work: Work) -> Iterator[WaitingItem]:
    """Yield interviews of each wave that wait for a first or second approval, and late ones."""
    late = count_parked(work)
    if late:
        what, since = msg("Late interviews to decide on"), find_oldest_parked_at(work)
        yield WaitingItem(what, late, {}, "review", {"part": "late"}, since=since)
    for each in list_review_work(work):
        yield WaitingItem(
            _DECISIONS[each.status],
            each.count,
            each.wave.title,
            "review",
            {"wave": each.wave.key, "status": each.status.value},
            since=each.since,
        )


def _list_requests(work: Work) -> Iterator[WaitingItem]:
    """Yield freezes and releases of waves that another person requested."""
    for each in list_requests_to_confirm(work):
        yield WaitingItem(
            _REQUESTS[each.act],
            1,
            each.wave_title,
            "plan",
            {"wave": each.wave_key},
            since=each.since,
        )


def _list_tests(work: Work) -> Iterator[WaitingItem]:
    """Yield comparative tests whose makers' replies are due, and those to sign."""
    may_sign = work.principal.may(Action.RELEASE_PRODUCT_TESTS)
    errata = list_tests_with_open_errata(work) if may_sign else ()
    for test in list_comparative_tests(work):
        if not test.may_manage:
            continue
        due, state = None, test.state
        is_near = may_sign and (state is ComparativeTestState.MAKERS_HEARD or test.id in errata)
        if state is ComparativeTestState.RESULTS_IN and test.reply_due_on is not None:
            what, due = msg("Comparative test whose makers reply"), test.reply_due_on
            part = "replies"
        elif is_near and is_test_to_sign(work, test_id=test.id):
            what, part = msg("Comparative test to sign"), "release"
        else:
            continue
        query = {"test": test.key, "part": part}
        yield WaitingItem(what, 1, test.title, "comparative_tests", query, due=due)


def _list_checks(work: Work) -> Iterator[WaitingItem]:
    """Yield experience checks with visits to approve, and those that wait for a signature."""
    visits = list_visits_to_approve(work)
    for check in list_experience_checks(work):
        if check.id in visits:
            what, (count, since) = msg("Visits to approve finally"), visits[check.id]
            query = {"check": check.key, "part": "venues"}
            page = "experience_checks"
            yield WaitingItem(what, count, check.title, page, query, since=since)
        is_near = check.state is WaveState.CLOSED and check.released_at is None
        if check.may_manage and is_near and is_check_to_sign(work, wave_id=check.id):
            what, query = msg("Experience check to sign"), {"check": check.key}
            yield WaitingItem(what, 1, check.title, "experience_checks", query)


def _list_links(work: Work) -> Iterator[WaitingItem]:
    """Yield accounts without a password whose setup link has expired."""
    expired = [each for each in list_pending_accounts(work) if each.link_expires_at is None]
    if expired:
        what = msg("Accounts whose setup link has expired")
        yield WaitingItem(what, len(expired), {}, "users", {"view": "links"})


def _list_releases(work: Work) -> Iterator[WaitingItem]:
    """Yield releases that the principal can sign, or whose minute has come."""
    for release in list_publications(work):
        if release.state is PublicationState.PLANNED:
            if list_awaited_signers(work, key=release.key):
                continue
            what, since = msg("Release to sign"), release.first_signed_at
        elif release.state is PublicationState.SIGNED and release.embargo_until <= work.now:
            what, since = msg("Release to publish"), release.second_signed_at
        else:
            continue
        yield WaitingItem(
            what,
            1,
            release.title,
            "releases",
            {"release": release.key},
            since=since,
            due=china_date(release.embargo_until),
        )


def _list_deliveries(work: Work) -> Iterator[WaitingItem]:
    """Yield kinds of outside counts of which months are overdue."""
    for kind, each in COUNT_KINDS.items():
        months = list_overdue_months(work, kind=each)
        if months:
            what = msg("Months overdue of {kind}", kind=each.name)
            query = {"kind": kind.value}
            yield WaitingItem(what, len(months), {}, "outside_data", query, due=months[0].due)


def _list_months_to_close(work: Work) -> Iterator[WaitingItem]:
    """Yield the months of complaints that are due and open, for those who close them."""
    if work.principal.covers(NATION) and (months := list_months_to_close(work)):
        what, query = msg("Months of complaints to close"), {"kind": COMPLAINTS.kind.value}
        yield WaitingItem(what, len(months), {}, "outside_data", query)


def _list_traders(work: Work) -> Iterator[WaitingItem]:
    """Yield, by list, heard traders to sign for, and names that somebody proposed to join."""
    for view in read_trader_lists(work):
        rows = (*view.rows, *view.joined)
        heard = [
            row
            for row in rows
            if row.hearing and is_naming_to_sign(work, hearing_id=row.hearing.id)
        ]
        counts = (
            (msg("Traders to sign for"), len(heard)),
            (msg("Names of traders to confirm"), sum(row.awaits_reader for row in rows)),
        )
        about = {language: describe_list(view, translator(language), language)
                 for language in LANGUAGES}  # fmt: skip
        query = {"part": "traders", "traders": f"{view.area}-{view.year}"}
        for what, count in counts:
            if count:
                yield WaitingItem(what, count, about, "complaints", query)


def _list_problem_lists(work: Work, waves: Sequence[WaveInfo]) -> Iterator[WaitingItem]:
    """Yield problems overdue, due soon or to be accepted, by wave as their page lists them."""
    known = {wave.key: wave for wave in waves}
    today = china_date(work.now)
    # Sorted by wave, newest first.
    for key, problems in groupby(list_problems(work), key=lambda each: each.wave_key):
        if key not in known:
            continue
        listed = tuple(problems)
        for code, count in list_reminders(listed, today).items():
            if not work.principal.may(_REMINDED[code]):
                continue
            shown = PROBLEM_FILTERS[code]
            of_it = [each for each in listed if shown.accepts(each, today)]
            yield WaitingItem(
                msg("Problems {state}", state=shown.name),
                count,
                known[key].title,
                "rectification",
                {"wave": key, "show": code},
                due=min((each.deadline for each in of_it if each.deadline), default=None),
            )
