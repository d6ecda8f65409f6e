"""Frame of the cities of the survey, and the groups in which cities are compared.

Cities are reference data (`seed/cities.csv`). Two of the groups are rules of ours, because the
official lists need figures that the frame does not hold:

* **size tier** - the official classes (State Council, 2014) count residents of the built-up area.
  We take resident population x urbanisation rate of the whole prefecture instead, with the official
  limits of 10, 5 and 1 million; this puts some cities a class too high.
* **retail tier** - yearly retail sales in hundred million yuan; unknown for most cities, and said.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from sqlmodel import Session, select

from survey.access.audit import record
from survey.access.principal import OPERATOR
from survey.settings import PROJECT_ROOT
from survey.store.audit_events import AuditEvent
from survey.store.tables import City, now

if TYPE_CHECKING:
    import pandas as pd

CITIES_CSV = PROJECT_ROOT / "seed" / "cities.csv"


class SizeTier(StrEnum):
    """Class of a city by urban residents, with limits of 10, 5 and 1 million."""

    MEGA = "mega"
    SUPER = "super"
    LARGE = "large"
    MEDIUM_SMALL = "medium_small"


class RetailTier(StrEnum):
    """Class of a city by yearly retail sales in hundred million yuan."""

    GE4000 = "ge4000"
    FROM2000 = "from2000"
    FROM1000 = "from1000"
    LT1000 = "lt1000"
    UNKNOWN = "unknown"


_SIZE_LIMITS = (
    (10_000_000, SizeTier.MEGA),
    (5_000_000, SizeTier.SUPER),
    (1_000_000, SizeTier.LARGE),
)
_RETAIL_LIMITS = (
    (4000, RetailTier.GE4000),
    (2000, RetailTier.FROM2000),
    (1000, RetailTier.FROM1000),
)


@dataclass(frozen=True)
class FrameCity:
    """One city of the frame; the fields are those of the table `City`.

    A class of its own, because a row of the store changes and belongs to a session; this is frozen,
    so it is shared by the whole process and keeps what is derived of it.
    """

    code: str
    name_zh: str
    name_en: str
    province_zh: str
    region: str
    region3: str
    city_class: str
    lon: float
    lat: float
    resident_population_2020: int
    share_male: float
    share_age_0_14: float
    share_age_15_59: float
    share_age_60_plus: float
    share_age_65_plus: float
    urbanization_rate: float
    retail_sales: float | None = None
    retail_sales_year: int | None = None
    retail_sales_source: str = ""
    census_source: str = ""
    list_basis: str = ""

    @property
    def province_code(self) -> str:
        return self.code[:2]

    @cached_property
    def urban_population(self) -> float:
        return self.resident_population_2020 * self.urbanization_rate

    @cached_property
    def size_tier(self) -> SizeTier:
        for limit, tier in _SIZE_LIMITS:
            if self.urban_population >= limit:
                return tier
        return SizeTier.MEDIUM_SMALL

    @cached_property
    def retail_tier(self) -> RetailTier:
        if self.retail_sales is None:
            return RetailTier.UNKNOWN
        for limit, tier in _RETAIL_LIMITS:
            if self.retail_sales >= limit:
                return tier
        return RetailTier.LT1000


def read_cities(path: Path = CITIES_CSV) -> tuple[FrameCity, ...]:
    """Read the cities of a frame file, in the order of their codes."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{name: text for name, text in row.items() if text} for row in csv.DictReader(file)]
    cities = TypeAdapter(list[FrameCity]).validate_python(rows)
    return tuple(sorted(cities, key=lambda city: city.code))


@lru_cache(maxsize=1)
def shipped_cities() -> tuple[FrameCity, ...]:
    """Return the 100 cities that come with the platform."""
    return read_cities()


@lru_cache(maxsize=1)
def area_labels() -> Mapping[str, Mapping[str, str]]:
    """Return the short names, by language, of every city, province, region and city class."""
    with Path(__file__).with_name("area_names.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: {"zh": row["zh"], "en": row["en"]} for row in csv.DictReader(file)}


def build_frame_table(cities: Iterable[FrameCity]) -> "pd.DataFrame":
    """Build a table of cities with province, size tier and retail tier, indexed by city code."""
    # Not at the top: a command that needs waves and no table starts without the library.
    import pandas as pd

    rows = [
        {field.name: getattr(city, field.name) for field in fields(city)}
        | {
            "province_code": city.province_code,
            "urban_population": city.urban_population,
            "size_tier": city.size_tier.value,
            "retail_tier": city.retail_tier.value,
        }
        for city in cities
    ]
    return pd.DataFrame(rows).set_index("code", drop=False).rename_axis(index="city_code")


def upsert_cities(cities: Iterable[FrameCity], *, session: Session) -> int:
    """Add or update `City` rows and audit the changes; return how many were new or changed."""
    changed = 0
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    stored = {city.code: city for city in session.exec(select(City))}
    for city in cities:
        values = {field.name: getattr(city, field.name) for field in fields(city)}
        known = stored.get(city.code)
        if known is None:
            session.add(City(**values))
        elif any(getattr(known, name) != value for name, value in values.items()):
            for name, value in values.items():
                if getattr(known, name) != value:
                    before[f"{city.code} {name}"] = getattr(known, name)
                    after[f"{city.code} {name}"] = value
            known.sqlmodel_update(values)
        else:
            continue
        changed += 1
    if changed:
        record(
            session=session,
            actor=OPERATOR,
            event=AuditEvent.CITIES_STORED,
            subject_id="frame",
            now=now(),
            detail={"changed": changed, "from": before, "to": after},
        )
    session.flush()
    return changed
