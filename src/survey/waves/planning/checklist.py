"""Checklist of a wave for its administrator: from accounts to opening, with what is next."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Executable, func, select
from sqlmodel import Session

from survey.access.roles import Action, Role
from survey.access.work import Work
from survey.locale import Message, msg
from survey.store.tables import (
    Account,
    CityTarget,
    InstrumentVersion,
    SamplingPoint,
    WaveState,
    table_of,
)
from survey.waves.planning.wave_overview import WaveOverview, get_wave_overview, list_planning_waves

_ACCOUNTS, _INSTRUMENTS = table_of(Account), table_of(InstrumentVersion)
_TARGETS, _POINTS = table_of(CityTarget), table_of(SamplingPoint)


class ChecklistTask(StrEnum):
    """Tasks of a wave, in the order in which they are done."""

    ACCOUNTS = "accounts"
    QUESTIONNAIRE = "questionnaire"
    WAVE = "wave"
    SAMPLE = "sample"
    POINTS = "points"
    PEOPLE = "people"
    OPENING = "opening"


class TaskState(StrEnum):
    """State of a task: done, the next one, or waiting for those before it."""

    DONE = "done"
    NEXT = "next"
    WAITING = "waiting"


@dataclass(frozen=True)
class ChecklistItem:
    """One task with its state, and in words how far it is."""

    task: ChecklistTask
    state: TaskState
    progress: Message


@dataclass(frozen=True)
class Checklist:
    """Tasks of a wave; without `wave` the first tasks of a wave that does not exist yet."""

    wave: WaveOverview | None
    items: tuple[ChecklistItem, ...]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(item.state is TaskState.DONE for item in self.items)


def get_checklist(work: Work, *, key: str | None = None) -> Checklist:
    """Return the checklist of a wave.

    Args:
        key: The wave; None for the newest planned one, else the newest open one, else for a wave
            that is still to be made.
    """
    work.require(Action.PLAN)
    key = key or _find_current_key(work)
    wave = get_wave_overview(work, key=key) if key else None
    progress = {
        ChecklistTask.ACCOUNTS: _check_accounts(work.session),
        ChecklistTask.QUESTIONNAIRE: _check_questionnaires(work.session),
        **_check_wave(work.session, wave),
    }
    items, is_next = [], True
    for task in ChecklistTask:
        done, text = progress[task]
        state = TaskState.DONE if done else TaskState.NEXT if is_next else TaskState.WAITING
        is_next = is_next and done
        items.append(ChecklistItem(task, state, text))
    return Checklist(wave, tuple(items))


def _find_current_key(work: Work) -> str | None:
    waves = list_planning_waves(work)
    return next(
        (wave.key for wave in waves if wave.state in {WaveState.PLANNED, WaveState.OPEN}), None
    )


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


def _check_questionnaires(session: Session) -> tuple[bool, Message]:
    count = _count_rows(session, select(func.count()).select_from(_INSTRUMENTS))
    return count > 0, msg("{count} versions in the store", count=count)


def _check_wave(
    session: Session, wave: WaveOverview | None
) -> dict[ChecklistTask, tuple[bool, Message]]:
    if wave is None:
        nothing = (False, msg("not yet"))
        tasks = list(ChecklistTask)
        return dict.fromkeys(tasks[tasks.index(ChecklistTask.WAVE) :], nothing)
    served = _count_served_cities(session, wave)
    has_days = wave.opens_on is not None and wave.closes_on is not None
    days = (
        msg("{first} to {last}", first=wave.opens_on, last=wave.closes_on)
        if has_days
        else msg("the days are not set")
    )
    is_open = wave.state is not WaveState.PLANNED
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
        ChecklistTask.OPENING: (is_open, msg("open") if is_open else msg("not yet")),
    }


def _count_served_cities(session: Session, wave: WaveOverview) -> int:
    """Return the number of cities with a sample that have a sampling point."""
    points = select(_POINTS.c.city_code).where(_POINTS.c.wave_id == wave.id)
    query = select(func.count()).where(
        _TARGETS.c.wave_id == wave.id, _TARGETS.c.city_code.in_(points)
    )
    return _count_rows(session, query)
