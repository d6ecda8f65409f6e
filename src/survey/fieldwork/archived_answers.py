"""Whether the answers of a wave are in the database or in an archive."""

from uuid import UUID

from sqlmodel import Session, col, select

from survey.locale import SurveyError, msg
from survey.store.tables import AnswerArchive


class AnswersArchivedError(SurveyError):
    """Raised when answers are asked for that lie in an archive."""

    code = "answers_archived"


def find_archive(*, session: Session, wave_id: UUID) -> AnswerArchive | None:
    """Return the archive in which the answers of a wave lie; None if the database has them."""
    query = select(AnswerArchive).where(
        AnswerArchive.wave_id == wave_id, col(AnswerArchive.restored_at).is_(None)
    )
    return session.exec(query).one_or_none()


def require_answers_present(*, session: Session, wave_id: UUID) -> None:
    """Raise `AnswersArchivedError` if the answers of the wave are archived."""
    archive = find_archive(session=session, wave_id=wave_id)
    if archive is not None:
        raise AnswersArchivedError(
            msg(
                "The answers of this wave are archived in the file {file}, no longer in the "
                "database. Its results stay; single interviews can be opened again after an "
                "administrator has restored the file.",
                file=archive.file_name,
            )
        )
