"""How the unscored questions with choices are answered: chances, who differs, what leads where."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Shares = Mapping[str, float]
Shifts = Mapping[str, Mapping[str, Shares]]
"""Attribute -> level -> option -> shift on the logit scale."""


@dataclass(frozen=True)
class ChoiceModel:
    """One question with choices.

    `shares` are the chances in the nation before the shifts; for `multiple` questions each option
    is ticked on its own with its chance, and `alone` is the option that excludes all others.
    `city` shifts an option per 10 points that a city lies above the nation. `published` fixes the
    share of one option among the substantive answers of a year.
    """

    name: str
    shares: Shares
    shifts: Shifts = field(default_factory=dict)
    city: Shares = field(default_factory=dict)
    after: tuple[str, tuple[str, ...]] | None = None
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    multiple: bool = False
    exclusive: str | None = None
    published: Mapping[int, tuple[str, float]] = field(default_factory=dict)


NOT_ASKED = "not_asked"
"""Stands in `after` for the case that the earlier question was off the route."""

SOLVED = {2021: ("yes", 0.80), 2022: ("yes", 0.795), 2023: ("yes", 0.74), 2024: ("yes", 0.6875)}
"""Share of disputes settled: 2022 and 2024 as in the complaint statistics; the others assumed."""

YES = ("yes",)
_ACTED = (
    "merchant",
    "platform",
    "hotline_12315",
    "association",
    "government",
    "court",
    "media",
    "other",
)
_OLD = {"age_part": ("60-70",)}
_PARENT = {"guardian": ("yes",)}
CHILD = ("guardian_consent", ("yes", NOT_ASKED))
_RURAL = {"residence": ("rural",)}


def yes(share: float, unsure: float = 0.02) -> Shares:
    return {"yes": share, "no": 1 - share - unsure, "dk": unsure}


DISPUTES: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "had_dispute", yes(0.118, 0.012),
        {"age_part": {"60-70": {"yes": -0.35}, "25-34": {"yes": 0.25}},
         "residence": {"rural": {"yes": 0.1}}, "guardian": {"yes": {"yes": 0.12}}},
        city={"yes": -0.28},
    ),
    ChoiceModel(
        "dispute_nature",
        {"after_sales": 0.29, "contract": 0.24, "quality": 0.20, "false_advertising": 0.075,
         "safety": 0.03, "price": 0.06, "counterfeit": 0.03, "dignity": 0.012,
         "measurement": 0.013, "other": 0.05},
        after=("had_dispute", YES),
    ),
    ChoiceModel(
        "complaint_channel",
        {"merchant": 0.40, "platform": 0.09, "hotline_12315": 0.13, "association": 0.03,
         "government": 0.05, "court": 0.008, "media": 0.02, "other": 0.022, "none": 0.25},
        {"age_part": {"60-70": {"none": 0.5, "platform": -0.8}},
         "residence": {"rural": {"none": 0.45, "hotline_12315": -0.3}}},
        city={"none": -0.15, "hotline_12315": 0.12},
        after=("had_dispute", YES),
    ),
    ChoiceModel(
        "no_complaint_reason",
        {"small_loss": 0.33, "trouble": 0.29, "unknown": 0.12, "no_use": 0.15,
         "no_evidence": 0.08, "other": 0.03},
        {"age_part": {"60-70": {"unknown": 0.8}}, "residence": {"rural": {"unknown": 0.4}}},
        after=("complaint_channel", ("none",)),
    ),
    ChoiceModel(
        "complaint_solved", {"yes": 0.70, "partly": 0.12, "pending": 0.06, "no": 0.12},
        {"residence": {"rural": {"yes": -0.3}}, "age_part": {"60-70": {"yes": -0.15}}},
        city={"yes": 0.30}, after=("complaint_channel", _ACTED), published=SOLVED,
    ),
)  # fmt: skip

EDUCATION: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "education_reached", yes(0.56, 0.06),
        {"age_part": {"60-70": {"yes": -0.35}, "60-69": {"yes": -0.35}, "70-79": {"yes": -0.6},
                      "80+": {"yes": -1.0}, "15-24": {"yes": 0.15}},
         "residence": {"rural": {"yes": -0.45}}},
        city={"yes": 0.30},
    ),
    ChoiceModel(
        "education_channel",
        {"tv": 0.36, "online": 0.64, "community": 0.27, "shop": 0.21, "workplace": 0.16,
         "print": 0.10, "event": 0.08, "other": 0.015},
        {"age_part": {"60-70": {"tv": 1.0, "online": -1.2, "community": 0.7, "workplace": -2.0},
                      "15-24": {"tv": -0.6, "workplace": 1.0}},
         "residence": {"rural": {"community": 0.5, "shop": -0.5}}},
        after=("education_reached", YES), multiple=True,
    ),
    ChoiceModel(
        "education_useful", {"very": 0.31, "some": 0.46, "little": 0.14, "none": 0.04, "dk": 0.05},
        {"age_part": {"60-70": {"very": -0.2}}}, city={"very": 0.25, "some": 0.1},
        after=("education_reached", YES),
    ),
)  # fmt: skip

ELDER_TOPICS: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "elder_health_selling", yes(0.42, 0.04),
        {"gender": {"female": {"yes": 0.25}}, "age_part": {"70-79": {"yes": 0.15}}},
        only=_OLD,
    ),
    ChoiceModel(
        "elder_emotional_selling", yes(0.19, 0.05),
        {"gender": {"female": {"yes": 0.2}}, "answered_by": {"proxy_child": {"yes": 0.35}},
         "age_part": {"70-79": {"yes": 0.15}}},
        city={"yes": -0.1}, only=_OLD,
    ),
    ChoiceModel(
        "elder_electronics", {"easy": 0.37, "a_little": 0.35, "hard": 0.18, "cannot": 0.10},
        {"age_part": {"70-79": {"hard": 0.6, "cannot": 1.1}, "80+": {"hard": 0.9, "cannot": 2.1}},
         "residence": {"rural": {"hard": 0.35, "cannot": 0.6}},
         "answered_by": {"proxy_child": {"cannot": 0.6}}},
        only=_OLD,
    ),
    ChoiceModel(
        "elder_cash_refused", {"yes": 0.11, "no": 0.67, "na": 0.18, "dk": 0.04},
        {"age_part": {"70-79": {"na": -0.4}, "80+": {"na": -0.5, "yes": -0.2}}},
        city={"yes": -0.12}, only=_OLD,
    ),
)  # fmt: skip

CHILD_TOPICS: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "child_online_spending", yes(0.33, 0.04),
        {"school_stage": {"preschool": {"yes": -1.6}, "junior": {"yes": 0.9},
                          "senior": {"yes": 1.5}, "vocational_other": {"yes": 1.6}}},
        after=CHILD, only=_PARENT,
    ),
    ChoiceModel(
        "child_unapproved_spending", yes(0.24, 0.06),
        {"school_stage": {"junior": {"yes": 0.3}, "preschool": {"yes": 0.2}},
         "guardian_relation": {"grandparent": {"yes": 0.35, "dk": 0.8}},
         "residence": {"rural": {"yes": 0.25}}},
        after=("child_online_spending", YES),
    ),
    ChoiceModel(
        "child_blind_box", {"never": 0.45, "sometimes": 0.39, "often": 0.11, "dk": 0.05},
        {"school_stage": {"preschool": {"never": 0.8}, "primary": {"often": 0.4},
                          "senior": {"never": 0.3}},
         "guardian_relation": {"grandparent": {"dk": 0.8}}},
        after=CHILD, only=_PARENT,
    ),
)  # fmt: skip

_CONSENT = ChoiceModel("guardian_consent", {"yes": 0.955, "no": 0.045})
"""Asked only about a child under 14; the age decides it, see `child_age`."""

MAIN: tuple[ChoiceModel, ...] = (
    ChoiceModel(
        "consumer_confidence",
        {"very": 0.26, "fairly": 0.41, "neutral": 0.21, "little": 0.06, "none": 0.02, "dk": 0.04},
        {"age_part": {"60-70": {"dk": 0.5}, "15-24": {"very": 0.15}},
         "income": {"lt3000": {"very": -0.3, "little": 0.4}, "ge8000": {"very": 0.2}}},
        city={"very": 0.35, "fairly": 0.12, "little": -0.3},
    ),
    ChoiceModel(
        "income_outlook", {"up": 0.30, "same": 0.49, "down": 0.13, "dk": 0.08},
        {"age_part": {"15-24": {"up": 0.4}, "25-34": {"up": 0.35}, "60-70": {"up": -0.8}}},
        city={"up": 0.15, "down": -0.12},
    ),
    ChoiceModel(
        "spending_plan", {"up": 0.34, "same": 0.46, "down": 0.14, "dk": 0.06},
        {"age_part": {"25-34": {"up": 0.25}, "60-70": {"up": -0.5}}},
        city={"up": 0.1, "down": -0.1},
    ),
    ChoiceModel(
        "spending_areas",
        {"food": 0.44, "clothing": 0.29, "home": 0.25, "car": 0.18, "health": 0.27,
         "education": 0.29, "travel": 0.41, "culture": 0.24, "sports": 0.16, "care": 0.14,
         "other": 0.02},
        {"age_part": {"60-70": {"health": 1.2, "education": -1.6, "car": -0.8, "care": 0.5},
                      "15-24": {"clothing": 0.5, "culture": 0.5, "health": -0.6}},
         "guardian": {"yes": {"education": 1.3, "care": 0.4}},
         "income": {"ge8000": {"travel": 0.5, "culture": 0.3}, "lt3000": {"travel": -0.5}}},
        after=("spending_plan", ("up",)), multiple=True,
    ),
    ChoiceModel(
        "services_used",
        {"dining": 0.80, "housekeeping": 0.13, "beauty": 0.52, "repair": 0.22, "travel": 0.30,
         "sports": 0.18, "culture": 0.33, "training": 0.15, "none": 0.045},
        {"age_part": {"60-70": {"culture": -1.0, "sports": -0.7, "training": -1.3, "none": 0.8},
                      "15-24": {"culture": 0.6, "sports": 0.4, "housekeeping": -0.9}},
         "guardian": {"yes": {"training": 1.0}},
         "residence": {"rural": {"culture": -0.7, "travel": -0.5, "none": 0.6}},
         "income": {"ge8000": {"travel": 0.6, "housekeeping": 0.8}, "lt3000": {"travel": -0.6}}},
        city={"culture": 0.15}, multiple=True, exclusive="none",
    ),
    *DISPUTES, *EDUCATION, *ELDER_TOPICS, _CONSENT, *CHILD_TOPICS,
    ChoiceModel(
        "rural_shop_place",
        {"village": 0.24, "town": 0.37, "county": 0.12, "city": 0.08, "online": 0.19},
        {"age_part": {"60-70": {"online": -1.5, "village": 0.5}, "15-24": {"online": 0.8}}},
        only=_RURAL,
    ),
    ChoiceModel(
        "rural_delivery",
        {"home": 0.21, "village": 0.45, "town": 0.28, "county": 0.02, "na": 0.025, "dk": 0.015},
        city={"home": 0.25, "village": 0.2}, only=_RURAL,
    ),
)  # fmt: skip
