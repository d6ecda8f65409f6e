"""How the modules that the questionnaire of 2024 added are answered: losses, green goods, services.

Their answers are drawn from streams of their own (`module_answers`), so that all other answers of
a wave stay what they were before there was a module.
"""

from seed.demo.choices import YES, ChoiceModel, yes
from seed.demo.ratings import USED_A_SERVICE, RatingModel

LOSSES = ("lt200", "from200", "from1000", "ge5000")
"""Answers that name a loss of money."""

CHOICES: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "green_bought", yes(0.46, 0.05),
        {"age_part": {"60-70": {"yes": -0.4}, "25-34": {"yes": 0.2}},
         "residence": {"rural": {"yes": -0.5}},
         "income": {"ge8000": {"yes": 0.35}, "lt3000": {"yes": -0.3}}},
        city={"yes": 0.2},
    ),
    ChoiceModel(
        "green_barrier",
        {"price": 0.36, "trust": 0.22, "quality": 0.09, "find": 0.08, "unknown": 0.09,
         "none": 0.11, "dk": 0.05},
        {"age_part": {"60-70": {"unknown": 0.7}},
         "residence": {"rural": {"find": 0.8, "unknown": 0.4}},
         "income": {"lt3000": {"price": 0.35}}},
        city={"none": 0.2, "trust": -0.1},
    ),
    ChoiceModel(
        "detriment_money",
        {"none": 0.27, "lt200": 0.28, "from200": 0.24, "from1000": 0.13, "ge5000": 0.05,
         "dk": 0.03},
        {"age_part": {"60-70": {"from1000": 0.3, "ge5000": 0.3}, "15-24": {"ge5000": -0.6}},
         "income": {"ge8000": {"from1000": 0.3, "ge5000": 0.5}}},
        city={"none": 0.15, "ge5000": -0.15}, after=("had_dispute", YES),
    ),
    ChoiceModel(
        "detriment_recovered",
        {"all": 0.26, "half": 0.13, "less": 0.14, "none": 0.42, "dk": 0.05},
        {"age_part": {"60-70": {"none": 0.3}}, "residence": {"rural": {"none": 0.25}}},
        city={"all": 0.25, "none": -0.1}, after=("detriment_money", LOSSES),
    ),
    ChoiceModel(
        "detriment_time",
        {"lt1h": 0.34, "from1h": 0.33, "from4h": 0.19, "ge2d": 0.10, "dk": 0.04},
        {"age_part": {"60-70": {"from4h": 0.3, "ge2d": 0.3}},
         "residence": {"rural": {"from4h": 0.3}}},
        city={"lt1h": 0.15}, after=("had_dispute", YES),
    ),
)  # fmt: skip
"""In the order in which they lead to one another."""

_UPSET = (
    "detriment_money",
    {"none": -12.0, "lt200": -4.0, "from200": 3.0, "from1000": 12.0, "ge5000": 24.0, "dk": 0.0},
)

RATINGS: tuple[RatingModel, ...] = (
    RatingModel("services_promise_satisfaction", -1.4, {"residence": {"rural": -1.2}},
                dont_know=0.012, after=USED_A_SERVICE, city=0.8),
    RatingModel("services_price_satisfaction", -3.6,
                {"residence": {"rural": -1.0}, "income": {"lt3000": -1.0}},
                dont_know=0.01, after=USED_A_SERVICE, city=0.7),
    RatingModel("culture_choice_satisfaction", -0.8, {"residence": {"rural": -3.0}},
                dont_know=0.015, after=("services_used", ("culture",)), city=0.9),
    RatingModel("culture_price_satisfaction", -6.2, {"age_part": {"15-24": -1.0}},
                dont_know=0.015, after=("services_used", ("culture",)), city=0.5),
    RatingModel("green_supply_satisfaction", -4.0, {"residence": {"rural": -3.5}},
                dont_know=0.06, not_experienced=0.09, city=0.8),
    RatingModel("green_label_trust", -7.5, {"age_part": {"60-70": 1.2}}, dont_know=0.07, city=0.6),
    RatingModel("detriment_distress", -26.0, {"age_part": {"60-70": 2.0}}, dont_know=0.02,
                after=("had_dispute", YES), city=-0.4, own=1.3, mood=_UPSET),
)  # fmt: skip
