"""Checklist of a wave for its administrator: from accounts to release, with what is next."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Executable, func, select
from sqlmodel import Session

from survey.access.roles import Action, Role
from survey.access.work import Work
from survey.locale import Message, msg
from survey.release.signing_keys import find_signing_problem
from survey.review.review_counts import list_review_counts
from survey.store.tables import (
    Account,
    CityTarget,
    InstrumentVersion,
    SamplingPoint,
    WaveState,
    table_of,
)
from survey.waves.planning.wave_overview import WaveOverview, get_wave_overview, list_planning_waves
from survey.waves.waves import COMPUTED_STATES

_ACCOUNTS, _INSTRUMENTS = table_of(Account), table_of(InstrumentVersion)
_TARGETS, _POINTS = table_of(CityTarget), table_of(SamplingPoint)


class ChecklistTask(StrEnum):
    """Tasks of a wave in order, from the accounts of those who work on it to its release."""

    ACCOUNTS = "accounts"
    QUESTIONNAIRE = "questionnaire"
    WAVE = "wave"
    SAMPLE = "sample"
    POINTS = "points"
    PEOPLE = "people"
    KEYS = "keys"
    OPENING = "opening"
    REVIEW = "review"
    CLOSING = "closing"
    FREEZING = "freezing"
    RELEASE = "release"


class TaskState(StrEnum):
    """State of a task: done, the next one, or waiting for those before it."""

    DONE = "done"
    NEXT = "next"
    WAITING = "waiting"


@dataclass(frozen=True)
class ChecklistItem:
    """One task of a wave: done, next or waiting, and in words how far it is."""

    task: ChecklistTask
    state: TaskState
    progress: Message


@dataclass(frozen=True)
class Checklist:
    """Tasks of a wave with their states; `wave` is None for one that is still to be made."""

    wave: WaveOverview | None
    items: tuple[ChecklistItem, ...]
    signing_problem: Message | None
    """Why releases of the wave cannot be signed on this server; None if they can."""


def get_checklist(work: Work, *, key: str | None = None) -> Checklist:
    """Return the tasks of a wave, each with its state and how far it is.

    Args:
        key: The wave; None for the one that is least far and not released, of several the newest,
            else for a wave that is still to be made.
    """
    work.require(Action.PLAN)
    waves = list_planning_waves(work)
    key = key or next((wave.key for wave in waves if wave.state is not WaveState.RELEASED), None)
    wave = get_wave_overview(work, key=key) if key else None
    count = _count_rows(work.session, select(func.count()).select_from(_INSTRUMENTS))
    # Those of a demonstration are signed with a key of its own.
    problem = None if wave is not None and wave.is_demo else find_signing_problem(work)
    keys = msg("releases can be signed here")
    if problem is not None:
        keys = msg("releases cannot be signed here yet")
    progress = {
        ChecklistTask.ACCOUNTS: _check_accounts(work.session),
        ChecklistTask.QUESTIONNAIRE: (count > 0, msg("{count} versions in the store", count=count)),
        **_check_wave(work.session, wave),
        ChecklistTask.KEYS: (problem is None, keys),
        ChecklistTask.REVIEW: _check_review(work, wave),
    }
    items, is_next = [], True
    for task in ChecklistTask:
        done, text = progress[task]
        # A key is the operator's work and needed last: said early, it keeps nobody from going on.
        is_turn = is_next and task is not ChecklistTask.KEYS
        state = TaskState.DONE if done else TaskState.NEXT if is_turn else TaskState.WAITING
        is_next = is_next and (done or task is ChecklistTask.KEYS)
        items.append(ChecklistItem(task, state, text))
    return Checklist(wave, tuple(items), problem)


def _count_rows(session: Session, query: Executable) -> int:
    return int(session.connection().execute(query).scalar_one())


def _check_accounts(session: Session) -> tuple[bool, Message]:
    """Return whether there are surveyors and supervisors, and how many.

    Review takes two people: a supervisor, and a final reviewer or an administrator.
    """
    surveyors, supervisors, final = (
        _count_rows(
            session, select(func.count()).where(_ACCOUNTS.c.role == role, _ACCOUNTS.c.active)
        )
        for role in (Role.SURVEYOR, Role.SUPERVISOR, Role.FINAL_REVIEWER)
    )
    text = msg(
        "{surveyors} surveyors, {supervisors} supervisors; second approval: {final} final "
        "reviewers and the administrators",
        surveyors=surveyors,
        supervisors=supervisors,
        final=final,
    )
    return surveyors > 0 and supervisors > 0, text


def _check_review(work: Work, wave: WaveOverview | None) -> tuple[bool, Message]:
    """Return whether nothing waits for review any more, and how many are approved and wait."""
    if wave is not None and wave.state in COMPUTED_STATES:
        return True, msg("finished before the results were computed")
    counts = list_review_counts(work, key=wave.key) if wave is not None else []
    approved, waiting = (
        sum(getattr(city, name) for city in counts) for name in ("approved", "waiting")
    )
    text = msg(
        "{approved} approved, {waiting} wait", approved=f"{approved:,}", waiting=f"{waiting:,}"
    )
    return approved > 0 and not waiting, text if counts else msg("not yet")


def _check_wave(
    session: Session, wave: WaveOverview | None
) -> dict[ChecklistTask, tuple[bool, Message]]:
    if wave is None:
        nothing = (False, msg("not yet"))
        tasks = list(ChecklistTask)
        return dict.fromkeys(tasks[tasks.index(ChecklistTask.WAVE) :], nothing)
    # Cities with a sample that have a sampling point.
    points = select(_POINTS.c.city_code).where(_POINTS.c.wave_id == wave.id)
    query = select(func.count()).where(
        _TARGETS.c.wave_id == wave.id, _TARGETS.c.city_code.in_(points)
    )
    served = _count_rows(session, query)
    has_days = wave.opens_on is not None and wave.closes_on is not None
    days = (
        msg("{first} to {last}", first=wave.opens_on, last=wave.closes_on)
        if has_days
        else msg("the days are not set")
    )
    is_open = wave.state is not WaveState.PLANNED
    is_closed = is_open and wave.state is not WaveState.OPEN
    is_frozen, is_released = wave.state in COMPUTED_STATES, wave.state is WaveState.RELEASED
    not_yet = msg("not yet")
    return {
        ChecklistTask.WAVE: (has_days or is_open, days),
        ChecklistTask.SAMPLE: (
            wave.cities > 0,
            msg(
                "{interviews} interviews in {cities} cities",
                cities=wave.cities,
                interviews=f"{wave.interviews:,}",
            ),
        ),
        ChecklistTask.POINTS: (
            0 < wave.cities <= served,
            msg(
                "{points} points; {served} of {cities} cities have some",
                points=wave.points,
                served=served,
                cities=wave.cities,
            ),
        ),
        ChecklistTask.PEOPLE: (
            0 < wave.points <= wave.staffed_points,
            msg(
                "{staffed} of {points} points have people",
                staffed=wave.staffed_points,
                points=wave.points,
            ),
        ),
        ChecklistTask.OPENING: (is_open, msg("open") if is_open else not_yet),
        ChecklistTask.CLOSING: (is_closed, msg("closed") if is_closed else not_yet),
        ChecklistTask.FREEZING: (is_frozen, msg("frozen for good") if is_frozen else not_yet),
        ChecklistTask.RELEASE: (is_released, msg("released") if is_released else not_yet),
    }
