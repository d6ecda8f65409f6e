"""Responses that are about to be frozen: from the store, or rows in memory; read by cities."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import pandas as pd
from sqlmodel import Session

from survey.fieldwork.instruments import load_instrument
from survey.fieldwork.planning.left_out_cities import left_out_codes
from survey.fieldwork.waves import COMPUTED_STATES
from survey.locale import RefusedError, msg
from survey.results.analysis import require_points
from survey.results.weighting import require_all_weights
from survey.snapshot.response_frame import (
    FREEZABLE,
    GIVEN_WEIGHT,
    CityResponses,
    count_responses,
    response_fingerprint,
    response_frame,
)
from survey.snapshot.snapshot_files import WithoutPoint
from survey.store.engine import expect_every_row
from survey.store.tables import Status, Wave


@dataclass(frozen=True)
class ResponseSource:
    """Responses of a wave with their numbers by city; `read` returns those of some cities."""

    cities: Sequence[CityResponses]
    read: Callable[[Collection[str]], pd.DataFrame]
    fingerprint: Callable[[Collection[str]], str] | None = None
    """Hash of all that `read` would return of some cities; None for rows in memory."""

    @property
    def rows(self) -> int:
        return sum(city.rows for city in self.cities)

    @property
    def rows_of_city(self) -> Mapping[str, int]:
        return {city.city_code: city.rows for city in self.cities}

    @property
    def have_weights(self) -> bool:
        """Whether interviews came with weights of their own."""
        return any(city.with_weight for city in self.cities)

    def require_freezable(self, wave: Wave, without_point: WithoutPoint) -> None:
        """Check what can be said of all rows before any of them is read.

        Raises:
            RefusedError: there is none.
            RefusedError: some lack a sampling point, and `without_point` refuses them.
            RefusedError: some came with a weight and others without.
        """
        if not self.rows:
            raise RefusedError(
                "nothing_to_freeze",
                msg("The wave {wave} has no approved response to freeze.", wave=wave.key),
            )
        if any(city.with_point for city in self.cities):
            missing = {city.city_code: city.rows - city.with_point for city in self.cities}
            require_points(missing, without_point)
        if self.have_weights:
            require_all_weights(
                {city.city_code: city.rows - city.with_weight for city in self.cities}
            )


def open_stored_responses(session: Session, wave: Wave) -> ResponseSource:
    """Return the responses that a freeze of the wave counts: none of cities that are left out."""
    expect_every_row(session)
    # Of a frozen wave those that were frozen before.
    statuses = (Status.FROZEN,) if wave.state in COMPUTED_STATES else FREEZABLE
    left_out = left_out_codes(session=session, wave_id=wave.id)
    instrument = load_instrument(session=session, instrument_id=wave.instrument_id)
    counts = count_responses(session=session, wave_id=wave.id, statuses=statuses, left_out=left_out)
    with_weights = any(city.with_weight for city in counts)

    def read(cities: Collection[str]) -> pd.DataFrame:
        return response_frame(
            session=session,
            wave_id=wave.id,
            instrument=instrument,
            statuses=statuses,
            left_out=left_out,
            cities=cities,
            with_weights=with_weights,
        )

    def fingerprint(cities: Collection[str]) -> str:
        stored = response_fingerprint(
            session=session, wave_id=wave.id, statuses=statuses, left_out=left_out, cities=cities
        )
        form = f"{instrument.sha256} {with_weights} {version('hundred-cities-survey')}"
        return f"{stored} {form}"

    return ResponseSource(counts, read, fingerprint)


def open_loaded_responses(frame: pd.DataFrame) -> ResponseSource:
    """Return responses that were read already, as `response_frame` returns them."""
    city = frame["city_code"].astype(str)
    weight = frame[GIVEN_WEIGHT] if GIVEN_WEIGHT in frame else pd.Series(index=frame.index)
    known = pd.DataFrame({"point": frame["psu"].notna(), "weight": weight.notna()})
    counts = tuple(
        CityResponses(str(code), len(own), int(own["point"].sum()), int(own["weight"].sum()))
        for code, own in known.groupby(city, sort=True)
    )

    def read(cities: Collection[str]) -> pd.DataFrame:
        rows: pd.DataFrame = frame[city.isin(cities)].reset_index(drop=True)
        return rows

    return ResponseSource(counts, read)
