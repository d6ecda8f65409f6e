"""A year's activities of consumer education from a file, all of them at once or none."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from survey.access.roles import Action
from survey.access.work import Work
from survey.education.activities import ACTIVITIES, add_activity
from survey.frame.plan_workbook import read_table_file
from survey.frame.workbook_io import CellChecker, CellError, WorkbookSheet, sheet_of_record
from survey.locale import msg
from survey.store.china_time import china_date
from survey.store.tables import EducationActivity
from survey.store.tables.evidence import ActivityData

MAX_ACTIVITIES = 2_000
ACTIVITY_SHEET: WorkbookSheet = sheet_of_record("activities", ActivityData)
_Occasion = tuple[date, str, str]
"""Day, title and place: two activities that have them in common are taken for one."""


@dataclass(frozen=True)
class ActivityList:
    """Activities read from a file, and the problems found in its cells."""

    activities: tuple[ActivityData, ...]
    repeated: tuple[ActivityData, ...]
    """Those of them that the register seems to have already."""
    errors: tuple[CellError, ...]


def read_activity_file(work: Work, *, name: str, content: bytes) -> ActivityList:
    """Return the activities of the own area in an uploaded list, and its problems; store nothing.

    Raises:
        WorkbookError, RefusedError: the file as a whole.
    """
    work.require(Action.KEEP_EDUCATION)
    today, area = china_date(work.now), work.principal.area
    rows: dict[_Occasion, int] = {}
    listed = read_table_file(name, content, ACTIVITY_SHEET)
    activities = listed.read(lambda check: _read_activity(check, area, today, rows))
    too_many = msg("A list has at most {count} activities.", count=MAX_ACTIVITIES)
    listed.require_rows("held_on", too_many if len(listed.rows) > MAX_ACTIVITIES else None)
    known = _list_occasions(work, {each.held_on for each in activities})
    repeated = tuple(each for each in activities if _occasion_of(each) in known)
    return ActivityList(activities, repeated, listed.problems())


def _read_activity(
    check: CellChecker, area: str, today: date, rows: dict[_Occasion, int]
) -> ActivityData | None:
    values = check.read_record(ActivityData, today)
    if not check.is_clean():
        return None
    activity = ActivityData(area=area, **values)
    before = rows.setdefault(_occasion_of(activity), check.row.number)
    if before != check.row.number:
        check.fail("title", msg("This activity stands in row {row} as well.", row=before))
        return None
    return activity


def _occasion_of(activity: ActivityData) -> _Occasion:
    return activity.held_on, activity.title, activity.place


def _list_occasions(work: Work, days: set[date]) -> set[_Occasion]:
    """Return the occasions on these days that are in the register of the own area."""
    query = select(EducationActivity).where(
        ACTIVITIES.is_readable(work.principal),
        EducationActivity.area == work.principal.area,
        col(EducationActivity.taken_out_at).is_(None),
        col(EducationActivity.held_on).in_(days),
    )
    return {_occasion_of(each) for each in work.session.exec(query)}


def add_activities(work: Work, *, listed: ActivityList, with_repeated: bool) -> int:
    """Enter the activities of a list into the register of the own area and return their number.

    Args:
        with_repeated: Whether to enter those as well that the register seems to have already.

    Raises:
        RefusedError: the list has problems, or is about another area.
    """
    work.require(Action.KEEP_EDUCATION)
    if listed.errors:
        raise ACTIVITIES.refuse(msg("Please mend the list first."))
    known = set() if with_repeated else _list_occasions(
        work, {each.held_on for each in listed.activities}
    )  # fmt: skip
    added = [each for each in listed.activities if _occasion_of(each) not in known]
    for each in added:
        add_activity(work, data=each)
    return len(added)
