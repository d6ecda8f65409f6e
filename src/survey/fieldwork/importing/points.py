"""The sampling points that a wave has planned, by the names a file may give them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, select

from survey.store.tables import SamplingPoint


@dataclass(frozen=True)
class PlannedPoints:
    """Code by city and name, both case-folded; names that two points of a city share are absent."""

    codes: Mapping[tuple[str, str], str]

    def code(self, city: str, name: str) -> str | None:
        return self.codes.get((city, name.casefold()))


def planned_points(*, session: Session, wave_id: UUID) -> PlannedPoints:
    query = select(SamplingPoint.city_code, SamplingPoint.code, SamplingPoint.name).where(
        SamplingPoint.wave_id == wave_id
    )
    codes_by_spelling: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for city, code, name in session.exec(query):
        for spelling in {code, code.removeprefix(f"{city}-"), name}:
            codes_by_spelling[city, spelling.strip().casefold()].add(code)
    return PlannedPoints(
        {key: codes.pop() for key, codes in codes_by_spelling.items() if len(codes) == 1}
    )


def point_code(city: str, name: str) -> str:
    """Unique in the wave and the same in the next one: a point's own name within its city."""
    return name if name.startswith(city) else f"{city}-{name}"
