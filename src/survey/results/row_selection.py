"""Selection of rows of a results table; unknown values are errors that name the choices."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from sqlmodel import Session

from survey.locale import Message, SurveyError, msg
from survey.results.snapshots import list_shown_snapshots
from survey.results.wave_results import WaveInfo, WaveResults, open_results
from survey.settings import Settings
from survey.store.tables import Wave
from survey.waves.waves import find_wave

_MAX_NAMED = 150
"""Choices that are named in an error."""


class UnknownChoiceError(SurveyError):
    """Raised for a key (area, group, indicator, wave …) that the results do not have."""

    code = "unknown_choice"


_MESSAGES: Mapping[str, Message] = {
    "area_level": msg("There is no area level {value} here. Choose from: {choices}"),
    "area": msg("There is no area {value} here. Choose from: {choices}"),
    "group": msg("There is no group {value} here. Choose from: {choices}"),
    "indicator": msg("There is no indicator {value} here. Choose from: {choices}"),
    "contrast": msg("There is no comparison with {value} here. Choose from: {choices}"),
    "wave": msg("There is no wave {value} with results. Choose from: {choices}"),
}


def select_rows(table: pd.DataFrame, asked: Mapping[str, Sequence[str] | None]) -> pd.DataFrame:
    """Return the rows with one of the values asked for in every column, in the table's order.

    The columns are taken one after the other: the areas to choose from are those of the level.

    Raises:
        UnknownChoiceError: a value that no row left by the columns before has.
    """
    for column, wanted in asked.items():
        if wanted is None:
            continue
        present = table[column].astype(str)
        choices = list(dict.fromkeys(present))
        for value in wanted:
            if value not in choices:
                raise unknown_choice(column, value, choices)
        table = table[present.isin(list(wanted))]
    return table.reset_index(drop=True)


def open_known_results(settings: Settings, session: Session, wave_key: str) -> WaveResults:
    """Return the results of a wave; raise `UnknownChoiceError` if there is no such wave."""
    if find_wave(session=session, key=wave_key) is None:
        known = [wave.key for wave, _ in reversed(list_shown_snapshots(session))]
        raise unknown_choice("wave", wave_key, known)
    return open_results(settings, session, wave_key)


def find_earlier_wave(
    settings: Settings,
    session: Session,
    results: WaveResults,
    wave_key: str,
    is_choice: Callable[[Wave], bool] = lambda _: True,
) -> WaveInfo:
    """Return another wave of the series; raise `UnknownChoiceError` unless `is_choice` accepts it.

    Args:
        is_choice: Whether a wave may be known to this reader; any other does not exist here.
    """
    others = [
        wave.key
        for wave, _ in reversed(list_shown_snapshots(session, results.wave.series))
        if wave.key != results.wave.key and is_choice(wave)
    ]
    if wave_key not in others:
        raise unknown_choice("wave", wave_key, others)
    return open_results(settings, session, wave_key).wave


def unknown_choice(column: str, value: str, choices: Sequence[str]) -> UnknownChoiceError:
    """Return, not raise, the error for an unknown value of a column; it lists the `choices`."""
    named = ", ".join(choices[:_MAX_NAMED]) + (" …" if len(choices) > _MAX_NAMED else "")
    return UnknownChoiceError(
        msg(_MESSAGES[column].msgid, value=value, choices=named or msg("nothing"))
    )
