"""How the study of villages is answered: where it is made, and what sets traders apart.

All of it is assumed; nothing about villages was published. The gap between traders and consumers
is what the study is read for, so the two differ item by item, in both directions.
"""

from seed.demo.choices import EDUCATION, ChoiceModel, yes
from seed.demo.ratings import Effects, RatingModel
from survey.frame.quotas import VILLAGE_ROLES, VILLAGE_TRADER_SHARE

PROVINCES = ("32", "41", "42", "51", "61")
"""Three regions: one rich and dense, two in the middle, two in the west."""
PER_CITY = 120
VILLAGES = 8
"""Sampling points of a city."""
BELOW_TOWN = -3.5
"""How much lower villages stand than the whole city."""

CONSUMER, TRADER = VILLAGE_ROLES
ROLE_SHARES = (1 - VILLAGE_TRADER_SHARE, VILLAGE_TRADER_SHARE)
"""As planned, in each village: nobody counted traders, so nothing is weighted by role."""

_AGES: Effects = {"age_part": {"15-24": -1.0, "60-70": 0.8}}


def _build_rating(
    name: str,
    offset: float,
    trader: float,
    *,
    dont_know: float = 0.01,
    not_experienced: float = 0.0,
) -> RatingModel:
    effects = {"village_role": {TRADER: trader}, **_AGES}
    return RatingModel(name, offset, effects, dont_know, not_experienced, city=0.8)


SCORED: tuple[RatingModel, ...] = (
    _build_rating("village_range", -1.5, 3.0),
    _build_rating("village_outlets", 0.5, 1.5),
    _build_rating("village_delivery", -2.0, -4.0, not_experienced=0.03),
    _build_rating("village_quality", -0.5, 5.0),
    _build_rating("village_genuine", -3.5, 7.0, dont_know=0.03),
    _build_rating("village_price", 0.5, 4.5),
    _build_rating("village_measure", 2.5, 5.5),
    _build_rating("village_redress", -4.5, 6.0, dont_know=0.04, not_experienced=0.20),
    _build_rating("village_inspection", -1.0, -3.0, dont_know=0.05),
    _build_rating("village_information", -2.5, 0.0, dont_know=0.03, not_experienced=0.06),
)
"""In the order of the questionnaire and of its tree."""

OTHERS: tuple[RatingModel, ...] = (
    RatingModel("overall", 0.5, {"village_role": {TRADER: 3.0}}, dont_know=0.006, own=0.6),
    RatingModel("village_repair", -8.0, dont_know=0.04, not_experienced=0.22,
                only={"village_role": (CONSUMER,)}, city=0.7),
)  # fmt: skip

_BUYING = {"village_role": (CONSUMER,)}
_TRADING = {"village_role": (TRADER,)}

CHOICES: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "village_shop_place",
        {"village": 0.30, "town": 0.36, "county": 0.11, "city": 0.03, "online": 0.20},
        {"age_part": {"60-70": {"online": -1.5, "village": 0.5}, "15-24": {"online": 0.8}}},
        only=_BUYING,
    ),
    ChoiceModel(
        "village_parcel",
        {"home": 0.14, "village": 0.49, "town": 0.31, "county": 0.02, "na": 0.025, "dk": 0.015},
        city={"home": 0.25, "village": 0.2}, only=_BUYING,
    ),
    ChoiceModel(
        "village_problem",
        {"expired": 0.19, "fake": 0.16, "short": 0.13, "price": 0.11, "returns": 0.15,
         "other": 0.03, "none": 0.52},
        {"age_part": {"60-70": {"none": 0.2}}}, city={"none": 0.15},
        only=_BUYING, multiple=True, exclusive="none",
    ),
    ChoiceModel(
        "trader_kind",
        {"shop": 0.44, "stall": 0.19, "farm": 0.10, "food": 0.14, "parcel": 0.08, "other": 0.05},
        only=_TRADING,
    ),
    ChoiceModel(
        "trader_supply",
        {"always": 0.41, "often": 0.29, "rarely": 0.16, "never": 0.09, "refused": 0.05},
        city={"always": 0.2}, only=_TRADING,
    ),
    ChoiceModel("trader_visited", yes(0.57, 0.05), city={"yes": 0.1}, only=_TRADING),
    ChoiceModel(
        "trader_returns",
        {"refund": 0.40, "exchange": 0.36, "repair": 0.08, "nothing": 0.10, "dk": 0.06},
        city={"refund": 0.15}, only=_TRADING,
    ),
    ChoiceModel(
        "trader_obstacle",
        {"customers": 0.31, "supply": 0.16, "delivery": 0.12, "competition": 0.25, "rules": 0.06,
         "none": 0.06, "dk": 0.04},
        only=_TRADING,
    ),
    *EDUCATION,
)  # fmt: skip
