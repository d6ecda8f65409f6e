"""Release of the rows of a wave from its snapshot, with their variables and what it cost."""

from collections.abc import Callable, Sequence
from pathlib import Path

from sqlmodel import Session

from survey.publish.microdata.deidentify import Pseudonym
from survey.publish.microdata.headline_deviation import compare_headlines
from survey.publish.microdata.released_rows import HeadlineDeviation, ReleasedWave
from survey.publish.microdata.rows_in_parts import AreaParts, release_rows
from survey.publish.microdata.variables import describe_variables, texts_present
from survey.results.wave_snapshots import opened_parts
from survey.store.tables import Wave


def release_wave(
    session: Session,
    wave: Wave,
    folder: Path,
    *,
    covers: Callable[[str], bool],
    pseudonym: Pseudonym,
    languages: Sequence[str],
    exact: bool = False,
    step: Callable[[], None] = lambda: None,
) -> ReleasedWave:
    """De-identify the interviews of an area from the snapshot in `folder`.

    Args:
        languages: of the labels of variables and values.
        step: called when they are read, de-identified and compared with the published figures.

    Raises:
        AccessDeniedError: there is no interview in the area.
        SnapshotDamagedError: the responses are not those that were frozen.
    """
    with opened_parts(session, wave, folder) as parts:
        step()
        made = release_rows(AreaParts(parts, covers), pseudonym, exact=exact, seed=str(wave.id))
    step()
    deviation = (
        HeadlineDeviation(None, None) if exact else compare_headlines(made.frozen, made.kept)
    )
    texts = texts_present(made.table)
    variables = {name: describe_variables(texts, made.instrument, name) for name in languages}
    step()
    return ReleasedWave(
        made.table, variables, made.blanked, made.dropped, made.merged,
        made.exchanged, made.covered, made.to_cover, deviation,
    )  # fmt: skip
