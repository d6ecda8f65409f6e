"""Whether the answers of a wave are in the database or in an archive."""

from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from survey.locale import RefusedError, msg
from survey.store.tables import AnswerArchive

_FIND = select(AnswerArchive).where(
    col(AnswerArchive.wave_id) == bindparam("wave"), col(AnswerArchive.restored_at).is_(None)
)
"""Built once: a freeze, a review and every back-check ask."""


def find_archive(*, session: Session, wave_id: UUID) -> AnswerArchive | None:
    """Return the archive in which the answers of a wave lie; None if the database has them."""
    return session.exec(_FIND, params={"wave": wave_id}).one_or_none()


def require_answers_present(*, session: Session, wave_id: UUID) -> None:
    """Raise `RefusedError` if the answers of the wave are archived."""
    archive = find_archive(session=session, wave_id=wave_id)
    if archive is not None:
        raise RefusedError(
            "answers_archived",
            msg(
                "The answers of this wave are archived in the file {file}, no longer in the "
                "database. Its results stay; single interviews can be opened again after an "
                "administrator has restored the file.",
                file=archive.file_name,
            ),
        )
