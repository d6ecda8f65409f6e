"""The files that a wave's interviews were imported from, as far as the method has to name them."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from survey.store.tables import ImportedFile


@dataclass(frozen=True)
class FileWithWeights:
    sha256: str
    column: str
    """Which gave every interview its weight."""


def files_with_weights(*, session: Session, wave_id: UUID) -> tuple[FileWithWeights, ...]:
    """In the order in which they came."""
    query = (
        select(ImportedFile)
        .where(ImportedFile.wave_id == wave_id, col(ImportedFile.weight_column).is_not(None))
        .order_by(col(ImportedFile.at), col(ImportedFile.id))
    )
    return tuple(
        FileWithWeights(file.sha256, file.weight_column or "") for file in session.exec(query)
    )
