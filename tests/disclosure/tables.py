"""Made-up surveys with every kind of total, for the tests of the gate."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from survey.disclosure import AdditiveTotal, Overlaps, find_overlaps, protect
from tests.disclosure.memberships import Memberships

AREA = ("area_level", "area")
KEYS = ("area_level", "area", "group", "indicator")
AREAS = {
    ("nation", "CN"): ("A1", "A2", "B1", "B2", "B3"),
    ("region", "A"): ("A1", "A2"),
    ("region", "B"): ("B1", "B2", "B3"),
    ("tier", "large"): ("A1", "B1"),
    ("tier", "small"): ("A2", "B2", "B3"),
    **{("city", city): (city,) for city in ("A1", "A2", "B1", "B2", "B3")},
}
GENDERS = ("gender=male", "gender=female")
AGES = ("age=young", "age=middle", "age=old")
GROUPS = ("all", *GENDERS, *AGES)
CITIES = ("A1", "A2", "B1", "B2", "B3")


def totals() -> tuple[AdditiveTotal, ...]:
    return (
        AdditiveTotal(AREA, ("nation", "CN"), (("region", "A"), ("region", "B"))),
        AdditiveTotal(AREA, ("nation", "CN"), (("tier", "large"), ("tier", "small"))),
        *(
            AdditiveTotal(AREA, area, tuple(("city", city) for city in cities))
            for area, cities in AREAS.items()
            if area[0] in {"region", "tier"}
        ),
        AdditiveTotal(("group",), ("all",), tuple((group,) for group in GENDERS)),
        AdditiveTotal(("group",), ("all",), tuple((group,) for group in AGES)),
    )


@dataclass(frozen=True)
class Survey:
    """A row a respondent: city, gender, age (may be unknown), score."""

    people: pd.DataFrame

    @classmethod
    def drawn(cls, seed: int, scale: float = 25.0) -> "Survey":
        """Cities, ages and genders of very different size; some ages unknown."""
        rng = np.random.default_rng(seed)
        parts = []
        for city in CITIES:
            size = int(rng.gamma(2.0, scale))
            ages = rng.dirichlet([2.0, 1.0, 0.4, 0.15])
            parts.append(
                pd.DataFrame(
                    {
                        "city": city,
                        "gender": rng.choice(GENDERS, size),
                        "age": rng.choice([*AGES, "age=unknown"], size, p=ages),
                        "score": rng.uniform(10, 90, size).round(1),
                    }
                )
            )
        return cls(pd.concat(parts, ignore_index=True))

    def member(self) -> pd.DataFrame:
        everyone = pd.Series(True, index=self.people.index)
        return pd.DataFrame(
            {
                "all": everyone,
                **{group: self.people["gender"] == group for group in GENDERS},
                **{group: self.people["age"] == group for group in AGES},
            }
        )

    def domains(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        """(level, area, group) -> cities."""
        return {(*area, group): cities for (area, cities), group in product(AREAS.items(), GROUPS)}

    def cells(self) -> pd.DataFrame:
        member, people = self.member(), self.people
        rows = []
        for (level, area), group in product(AREAS, GROUPS):
            here = people["city"].isin(AREAS[level, area]) & member[group]
            scores = people.loc[here, "score"]
            rows.append((level, area, group, "score", scores.mean(), len(scores), len(scores)))
        columns = [*KEYS, "estimate", "n", "sum_weight"]
        return pd.DataFrame(rows, columns=columns)

    def overlaps(self) -> Overlaps:
        who = Memberships(
            city=pd.Categorical(self.people["city"], categories=list(CITIES)).codes.astype(int),
            within=np.array([[city in cities for city in CITIES] for cities in AREAS.values()]),
            member=self.member().to_numpy(),
            answered=np.ones((len(self.people), 1), dtype=bool),
        )
        place = {area: number for number, area in enumerate(AREAS)}
        nested = {
            (place[total.whole], place[part])
            for total in totals()
            if total.along == AREA
            for part in total.parts
        }
        return find_overlaps(who.count(), nested=frozenset(nested))

    def protected(self) -> pd.DataFrame:
        return protect(self.cells(), by=KEYS, totals=totals(), overlaps=self.overlaps())
