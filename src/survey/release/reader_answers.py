"""Readers' survey of the public site: was a page useful? Counted by page and day, and nothing else.

No address, cookie or person is kept; somebody may press twice. So it is a count of presses, not of
people, and no estimate.
"""

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Translator
from survey.locale.figures import format_count
from survey.store.china_time import china_date
from survey.store.inserts import insert_if_new
from survey.store.tables import ReaderAnswerCount


def count_reader_answer(session: Session, *, page: str, is_useful: bool, moment: datetime) -> None:
    """Add one to the answers of that page and day.

    Args:
        page: Path of the page within the site; the caller has looked whether there is such a page.
    """
    key = {"day": china_date(moment), "page": page, "is_useful": is_useful}
    if insert_if_new(session.connection(), ReaderAnswerCount, key | {"presses": 1}):
        return
    session.exec(
        update(ReaderAnswerCount)
        .where(
            col(ReaderAnswerCount.day) == key["day"],
            col(ReaderAnswerCount.page) == page,
            col(ReaderAnswerCount.is_useful) == is_useful,
        )
        .values(presses=col(ReaderAnswerCount.presses) + 1)
    )


def describe_reader_answers(work: Work, *, wave: str, t: Translator) -> str:
    """Return what readers said of the public pages of a wave, in both languages; empty if nothing.

    Raises:
        AccessDeniedError: the role takes no part in releases.
    """
    work.require(Action.RELEASE)
    query = (
        select(ReaderAnswerCount.is_useful, func.sum(ReaderAnswerCount.presses))
        .where(
            col(ReaderAnswerCount.page).startswith(f"{wave}/", autoescape=True)
            | col(ReaderAnswerCount.page).startswith(f"en/{wave}/", autoescape=True)
        )
        .group_by(col(ReaderAnswerCount.is_useful))
    )
    found = {bool(is_useful): int(presses) for is_useful, presses in work.session.exec(query)}
    if not found:
        return ""
    return t(
        "Public pages: readers pressed {yes} times that a page was useful, {no} times that it was "
        "not. Presses are counted, not people.",
        yes=format_count(found.get(True, 0)),
        no=format_count(found.get(False, 0)),
    )
