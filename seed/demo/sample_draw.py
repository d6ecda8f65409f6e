"""Drawing interviews from the model, all cities at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from seed.demo.choices import NOT_ASKED, ChoiceModel
from seed.demo.field_plan import HELPER_SHARE, SURVEYORS, DemoPoints
from seed.demo.model import WaveModel
from seed.demo.population import RURAL_AT_RURAL_POINT, RURAL_AT_URBAN_POINT, Population
from seed.demo.ratings import RatingModel
from seed.demo.response_model import ITEM_SD, PERSON_SD, VISIT_SD, answers
from survey.frame.city_frame import shipped_cities
from survey.frame.population_margins import AgeStructure, build_age_structure
from survey.frame.quotas import VILLAGE_SERIES

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DONT_KNOW, NOT_EXPERIENCED, OFF_ROUTE, MISSING = -1, -2, -4, -5
QUOTA = {
    "main": ("age_part", "gender"),
    "elderly": ("age_part", "gender"),
    "minors": ("school_stage",),
    VILLAGE_SERIES: ("village_role",),
}
_CONTACT_RATIOS = {
    "15-24": 1.10,
    "25-34": 1.06,
    "55-59": 0.97,
    "60-70": 0.86,
    "70-79": 0.95,
    "80+": 0.80,
}
"""Young people are met more easily than their quota, old people less: what weights put right."""
_CONTACT_SD = 0.07
_INCOME_SKIPPED = 0.035
_DAYS_FORGOTTEN = 0.08
_DRIVERS = {
    "quality": 0.46, "fair_price": 0.44, "merchant_trust": 0.40, "service": 0.38,
    "transaction_security": 0.30, "outlet_distribution": 0.24, "after_sales": 0.22,
    "genuine_goods": 0.26, "clear_price": 0.12,
}  # fmt: skip
"""How far the noise of an item goes into the overall score: what a driver analysis should find."""
_DRIVEN = 0.6


@dataclass
class DrawnInterviews:
    """N interviews as columns. Options are codes in the order of the model's choice."""

    city: Ints
    stratum: Ints
    point: Ints
    surveyor: Ints
    cell: Ints
    mode: Small
    """A place in `answer_modes.MODES`."""
    ratings: dict[str, Small] = field(default_factory=dict)
    choices: dict[str, Small] = field(default_factory=dict)
    ticks: dict[str, Small] = field(default_factory=dict)
    """One column an option, shape (N, options)."""
    numbers: dict[str, npt.NDArray[np.int16]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.city)

    def select_rows(self, rows: Ints) -> "DrawnInterviews":
        """The interviews at those places, copied."""
        return DrawnInterviews(
            self.city[rows],
            self.stratum[rows],
            self.point[rows],
            self.surveyor[rows],
            self.cell[rows],
            self.mode[rows],
            {name: column[rows] for name, column in self.ratings.items()},
            {name: column[rows] for name, column in self.choices.items()},
            {name: column[rows] for name, column in self.ticks.items()},
            {name: column[rows] for name, column in self.numbers.items()},
        )

    def followed_by(self, other: "DrawnInterviews") -> "DrawnInterviews":
        """These interviews, then the others."""
        return DrawnInterviews(
            np.concatenate([self.city, other.city]),
            np.concatenate([self.stratum, other.stratum]),
            np.concatenate([self.point, other.point]),
            np.concatenate([self.surveyor, other.surveyor]),
            np.concatenate([self.cell, other.cell]),
            np.concatenate([self.mode, other.mode]),
            {n: np.concatenate([c, other.ratings[n]]) for n, c in self.ratings.items()},
            {n: np.concatenate([c, other.choices[n]]) for n, c in self.choices.items()},
            {n: np.concatenate([c, other.ticks[n]]) for n, c in self.ticks.items()},
            {n: np.concatenate([c, other.numbers[n]]) for n, c in self.numbers.items()},
        )


def draw_interviews(
    model: WaveModel,
    points: DemoPoints,
    surveyors: Floats,
    size: Ints,
    rng: np.random.Generator,
    modes: np.random.Generator,
) -> DrawnInterviews:
    """`size[c]` interviews in every city; `surveyors` are their effects, shape (C, SURVEYORS).

    `modes` decides who is read to, and `rng` everything else.
    """
    drawn = _draw_contacts(model.people, points, size, rng)
    drawn.mode = (modes.random(len(drawn)) < model.assisted[drawn.city, drawn.cell]).astype(np.int8)
    _draw_attributes(drawn, model, rng)
    _draw_choices(drawn, model, rng)
    visits = rng.normal(0, VISIT_SD, (len(points.code), SURVEYORS))
    place = points.effect[drawn.point] + surveyors[drawn.city, drawn.surveyor]
    place += visits[drawn.point, drawn.surveyor]
    _draw_ratings(drawn, model, place, rng)
    return drawn


# --- who and where -------------------------------------------------------------------------------


def _draw_contacts(
    people: Population, points: DemoPoints, size: Ints, rng: np.random.Generator
) -> DrawnInterviews:
    """Draw the people met at the points: quotas by age and gender, chance within them."""
    chances = _compute_chances_at_points(people)
    quota = _number_quota_cells(people)
    reach = np.ones(people.share.shape)
    if people.kind != VILLAGE_SERIES:  # Nothing would put it right: villages know no margins.
        reach = _draw_contact_rates(people, quota, rng)
    pieces: list[tuple[Ints, ...]] = []
    for place, total in enumerate(size):
        in_villages = round(int(total) * float(people.rural_stratum[place]))
        for stratum, count in enumerate((int(total) - in_villages, in_villages)):
            if count == 0:
                continue
            cells = _draw_cells(chances[stratum][place] * reach[place], quota, count, rng)
            here = points.of_stratum[place, stratum]
            at = here[rng.integers(0, len(here), count)]
            pieces.append((np.full(count, place), np.full(count, stratum), at, cells))
    city, stratum_of, point, cell = (np.concatenate(part) for part in zip(*pieces, strict=True))
    helper = rng.random(len(city)) < HELPER_SHARE
    surveyor = (points.slot[point] + 3 * helper) % SURVEYORS
    mode = np.zeros(len(city), dtype=np.int8)
    return DrawnInterviews(city, stratum_of, point, surveyor, cell, mode)


def _compute_chances_at_points(people: Population) -> tuple[Floats, Floats]:
    """Return the chance of each cell among those met at urban and at rural points of a city."""
    if "residence" not in people.levels:
        return people.share, people.share
    rural = people.cells("residence", "rural")
    share_rural = (people.share * rural).sum(axis=1, keepdims=True)
    given_rural = people.share * rural / np.maximum(share_rural, 1e-12)
    given_urban = people.share * ~rural / np.maximum(1 - share_rural, 1e-12)
    stray = RURAL_AT_URBAN_POINT * (people.rural_stratum > 0)[:, None]
    urban_points = given_urban * (1 - stray) + given_rural * stray
    rural_points = given_urban * (1 - RURAL_AT_RURAL_POINT) + given_rural * RURAL_AT_RURAL_POINT
    return urban_points, rural_points


def _number_quota_cells(people: Population) -> Ints:
    """Return the quota cell of each cell; those of one quota cell stand together."""
    code = np.zeros(people.share.shape[1], dtype=np.int64)
    for attribute in QUOTA[people.kind]:
        code = code * len(people.levels[attribute]) + people.level[attribute]
    return code


def _draw_contact_rates(people: Population, quota: Ints, rng: np.random.Generator) -> Floats:
    """Draw how much more, or less, than its share each cell is met in each city."""
    general = np.ones(people.share.shape[1])
    if "age_part" in people.levels:
        general = people.table(
            "age_part", {name: _CONTACT_RATIOS.get(name, 1.0) for name in people.levels["age_part"]}
        )
    local = np.exp(rng.normal(0, _CONTACT_SD, (len(people.weight), int(quota.max()) + 1)))
    reach: Floats = general[None, :] * local[:, quota]
    return reach


def _draw_cells(chance: Floats, quota: Ints, count: int, rng: np.random.Generator) -> Ints:
    """Draw cells systematically over the quotas and at random within them, in random order."""
    ends = np.cumsum(chance / chance.sum())
    last = np.flatnonzero(np.diff(quota, append=-1))
    quota_ends = ends[last]
    quota_starts = np.concatenate([[0.0], quota_ends[:-1]])
    at = (np.arange(count) + rng.random()) / count
    which = np.minimum(np.searchsorted(quota_ends, at, side="right"), len(last) - 1)
    within = quota_starts[which] + rng.random(count) * (quota_ends - quota_starts)[which]
    cells = np.minimum(np.searchsorted(ends, within, side="right"), len(ends) - 1)
    return rng.permutation(cells)


# --- background ----------------------------------------------------------------------------------


def _draw_attributes(drawn: DrawnInterviews, model: WaveModel, rng: np.random.Generator) -> None:
    people = model.people
    for attribute in people.levels:
        if attribute != "age_part":
            drawn.choices[attribute] = people.level[attribute][drawn.cell].astype(np.int8)
    if "income" in drawn.choices:
        skipped = rng.random(len(drawn)) < _INCOME_SKIPPED
        drawn.choices["income"][skipped] = MISSING
    for attribute, chances in people.given.items():
        city = drawn.city if len(chances) > 1 else np.zeros(len(drawn), dtype=np.int64)
        drawn.choices[attribute] = pick_options(chances[city, drawn.cell], rng)
    if "age_part" in people.levels:
        drawn.numbers["age"] = _draw_ages(drawn, model, rng)
    if people.kind not in {"elderly", VILLAGE_SERIES}:
        _draw_child_ages(drawn, model, rng)


def _draw_ages(
    drawn: DrawnInterviews, model: WaveModel, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Draw a year of age within the person's age part, as the city's population has it."""
    people = model.people
    table: AgeStructure = build_age_structure(shipped_cities())
    limits = _parse_age_limits(people)
    part = people.level["age_part"][drawn.cell]
    gender = people.level["gender"][drawn.cell]
    ends = np.cumsum(table.people, axis=1)
    before = np.concatenate([np.zeros_like(ends[:, :1]), ends], axis=1)
    low, high = limits[part, 0], limits[part, 1]
    start = before[drawn.city, low, gender]
    stop = before[drawn.city, high + 1, gender]
    at = start + rng.random(len(drawn)) * (stop - start)
    ages = np.empty(len(drawn), dtype=np.int16)
    for key in np.unique(drawn.city * 2 + gender):
        rows = np.flatnonzero(drawn.city * 2 + gender == key)
        ages[rows] = np.searchsorted(ends[key // 2, :, key % 2], at[rows], side="right")
    return np.clip(ages, low, high).astype(np.int16)


def _parse_age_limits(people: Population) -> Ints:
    bounds = []
    for name in people.levels["age_part"]:
        low, _, high = name.partition("-")
        bounds.append((int(low.rstrip("+")), int(high) if high else 90))
    return np.array(bounds)


def _draw_child_ages(drawn: DrawnInterviews, model: WaveModel, rng: np.random.Generator) -> None:
    ages = pick_options(model.child_age[drawn.cell], rng).astype(np.int16)
    if "guardian" in drawn.choices:
        guardian = drawn.choices["guardian"] == 0
        ages = np.where(guardian, ages, OFF_ROUTE).astype(np.int16)
    drawn.numbers["child_age"] = ages


def _withhold_child_age(drawn: DrawnInterviews, by_name: Mapping[str, ChoiceModel]) -> None:
    """Withhold the age of a child whose guardian refused."""
    if "guardian_consent" in by_name:
        refused = list(by_name["guardian_consent"].shares).index("no")
        drawn.numbers["child_age"][drawn.choices["guardian_consent"] == refused] = MISSING


# --- questions with choices ----------------------------------------------------------------------


def _draw_choices(drawn: DrawnInterviews, model: WaveModel, rng: np.random.Generator) -> None:
    by_name = {choice.name: choice for choice in model.plan.choices}
    for choice in model.plan.base_choices:
        asked = find_asked(drawn, model.people, choice, by_name)
        if choice.name == "guardian_consent":
            asked &= (drawn.numbers["child_age"] >= 0) & (drawn.numbers["child_age"] < 14)
        rows = np.flatnonzero(asked)
        at = (drawn.city[rows], drawn.cell[rows])
        if choice.multiple:
            ticks = np.full((len(drawn), len(choice.shares)), OFF_ROUTE, dtype=np.int8)
            ticks[rows] = _draw_ticks(choice, model.singles[choice.name][at], rng)
            drawn.ticks[choice.name] = ticks
        else:
            codes = np.full(len(drawn), OFF_ROUTE, dtype=np.int8)
            codes[rows] = pick_options(model.chances[choice.name][at], rng)
            drawn.choices[choice.name] = codes
    _withhold_child_age(drawn, by_name)
    if "complaint_solved" in drawn.choices:
        drawn.numbers["complaint_days"] = _draw_days(drawn, by_name["complaint_solved"], rng)


def find_asked(
    drawn: DrawnInterviews,
    people: Population,
    asked: ChoiceModel | RatingModel,
    known: dict[str, ChoiceModel],
) -> Flags:
    """Who is asked, from the answers drawn so far."""
    open_to = np.ones(len(drawn), dtype=bool)
    for attribute, names in asked.only.items():
        if attribute in people.levels:
            open_to &= people.cells(attribute, *names)[drawn.cell]
    if asked.after is None:
        return open_to
    parent, options = asked.after
    known_names = list(known[parent].shares)
    wanted = [known_names.index(option) for option in options if option in known_names]
    if known[parent].multiple:
        led: Flags = (drawn.ticks[parent][:, wanted] == 1).any(axis=1)
        return open_to & led
    codes = wanted + ([OFF_ROUTE] if NOT_ASKED in options else [])
    return open_to & np.isin(drawn.choices[parent], codes)


def pick_options(chances: Floats, rng: np.random.Generator) -> Small:
    """One option a row."""
    ends = np.cumsum(chances, axis=1)
    ends /= ends[:, -1:]
    picked: Small = (rng.random((len(chances), 1)) >= ends).sum(axis=1).astype(np.int8)
    return np.minimum(picked, np.int8(chances.shape[1] - 1))


def _draw_ticks(choice: ChoiceModel, single: Floats, rng: np.random.Generator) -> Small:
    """Draw ticks: the excluding option, then each other on its own, then one if none is ticked."""
    others = np.array([name != choice.exclusive for name in choice.shares])
    ticked = (rng.random(single.shape) < single).astype(np.int8)
    empty = np.flatnonzero(~(ticked[:, others] == 1).any(axis=1))
    chosen = pick_options(single[empty][:, others], rng)
    ticked[empty, np.flatnonzero(others)[chosen]] = 1
    if choice.exclusive is not None:
        alone = ticked[:, ~others][:, 0] == 1
        ticked[np.ix_(alone, others)] = 0
    return ticked


def _draw_days(
    drawn: DrawnInterviews, solved: ChoiceModel, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Draw the days until a dispute was settled: half within a week, a long tail."""
    options = list(solved.shares)
    settled = np.isin(
        drawn.choices["complaint_solved"], [options.index("yes"), options.index("partly")]
    )
    days = np.minimum(np.exp(rng.normal(1.9, 1.1, len(drawn))), 730).astype(np.int16)
    days[rng.random(len(drawn)) < _DAYS_FORGOTTEN] = MISSING
    return np.where(settled, days, OFF_ROUTE).astype(np.int16)


# --- ratings -------------------------------------------------------------------------------------


def _draw_ratings(
    drawn: DrawnInterviews, model: WaveModel, place_effect: Floats, rng: np.random.Generator
) -> None:
    person = (rng.normal(0, PERSON_SD, len(drawn)) + place_effect).astype(np.float32)
    by_name = {choice.name: choice for choice in model.plan.choices}
    driving = np.zeros(len(drawn), dtype=np.float32)
    strength = np.sqrt(sum(weight**2 for weight in _DRIVERS.values()))
    for place, rating in enumerate(model.plan.scored + model.plan.others):
        noise = rng.standard_normal(len(drawn), dtype=np.float32)
        if rating.name in _DRIVERS:
            driving += np.float32(_DRIVERS[rating.name] / strength) * noise
        elif rating.name == "overall" and driving.any():
            noise = np.float32(np.sqrt(1 - _DRIVEN)) * noise + np.float32(_DRIVEN**0.5) * driving
        asked = find_asked(drawn, model.people, rating, by_name)
        drawn.ratings[rating.name] = rate(drawn, model, place, person, noise, asked, rng)


def rate(
    drawn: DrawnInterviews,
    model: WaveModel,
    place: int,
    person: npt.NDArray[np.float32],
    noise: npt.NDArray[np.float32],
    asked: Flags,
    rng: np.random.Generator,
) -> Small:
    """Answers to the rating at that place of the model, from effects of person and item."""
    rating = model.ratings[place]
    latent = person + np.float32(rating.own * ITEM_SD) * noise
    latent += model.base[drawn.city, place].astype(np.float32)
    latent += model.shift[drawn.cell, place].astype(np.float32)
    if model.mode_effect[place]:
        above = drawn.mode - model.assisted[drawn.city, drawn.cell]
        latent += (model.mode_effect[place] * above).astype(np.float32)
    if rating.mood is not None:
        latent += _compute_mood(drawn, rating.mood)
    score = answers(latent)
    unsure = rng.random(len(drawn), dtype=np.float32)
    dont_know = model.dont_know[drawn.cell, place]
    score[unsure < dont_know + model.not_experienced[drawn.cell, place]] = NOT_EXPERIENCED
    score[unsure < dont_know] = DONT_KNOW
    score[~asked] = OFF_ROUTE
    return score


def _compute_mood(
    drawn: DrawnInterviews, mood: tuple[str, Mapping[str, float]]
) -> npt.NDArray[np.float32]:
    """Return what an earlier answer adds; where that was not asked, neither is this rating."""
    question, moods = mood
    table = np.array([*moods.values(), 0.0], dtype=np.float32)
    return table[np.maximum(drawn.choices[question], -1)]
