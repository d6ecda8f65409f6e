"""How the unscored questions with choices are answered: chances, who differs, what leads where."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Shares = Mapping[str, float]
Shifts = Mapping[str, Mapping[str, Shares]]
"""Attribute -> level -> option -> shift on the logit scale."""


@dataclass(frozen=True)
class Choice:
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
    alone: str | None = None
    published: Mapping[int, tuple[str, float]] = field(default_factory=dict)


NOT_ASKED = "not_asked"
"""Stands in `after` for the case that the earlier question was off the route."""

SOLVED = {2021: ("yes", 0.80), 2022: ("yes", 0.795), 2023: ("yes", 0.74), 2024: ("yes", 0.6875)}
"""Share of disputes settled: 2022 and 2024 as in the complaint statistics; the others assumed."""

_YES = ("yes",)
_ACTED = ("merchant", "platform", "hotline_12315", "association", "government", "court", "media",
          "other")  # fmt: skip
_OLD = {"age_part": ("60-70",)}
_PARENT = {"guardian": ("yes",)}
_CHILD = ("guardian_consent", ("yes", NOT_ASKED))
_RURAL = {"residence": ("rural",)}


def _yes(share: float, unsure: float = 0.02) -> Shares:
    return {"yes": share, "no": 1 - share - unsure, "dk": unsure}


_DISPUTES: tuple[Choice, ...] = (
    Choice(
        "had_dispute", _yes(0.118, 0.012),
        {"age_part": {"60-70": {"yes": -0.35}, "25-34": {"yes": 0.25}},
         "residence": {"rural": {"yes": 0.1}}, "guardian": {"yes": {"yes": 0.12}}},
        city={"yes": -0.28},
    ),
    Choice(
        "dispute_nature",
        {"after_sales": 0.29, "contract": 0.24, "quality": 0.20, "false_advertising": 0.075,
         "safety": 0.03, "price": 0.06, "counterfeit": 0.03, "dignity": 0.012,
         "measurement": 0.013, "other": 0.05},
        after=("had_dispute", _YES),
    ),
    Choice(
        "complaint_channel",
        {"merchant": 0.40, "platform": 0.09, "hotline_12315": 0.13, "association": 0.03,
         "government": 0.05, "court": 0.008, "media": 0.02, "other": 0.022, "none": 0.25},
        {"age_part": {"60-70": {"none": 0.5, "platform": -0.8}},
         "residence": {"rural": {"none": 0.45, "hotline_12315": -0.3}}},
        city={"none": -0.15, "hotline_12315": 0.12},
        after=("had_dispute", _YES),
    ),
    Choice(
        "no_complaint_reason",
        {"small_loss": 0.33, "trouble": 0.29, "unknown": 0.12, "no_use": 0.15,
         "no_evidence": 0.08, "other": 0.03},
        {"age_part": {"60-70": {"unknown": 0.8}}, "residence": {"rural": {"unknown": 0.4}}},
        after=("complaint_channel", ("none",)),
    ),
    Choice(
        "complaint_solved", {"yes": 0.70, "partly": 0.12, "pending": 0.06, "no": 0.12},
        {"residence": {"rural": {"yes": -0.3}}, "age_part": {"60-70": {"yes": -0.15}}},
        city={"yes": 0.30}, after=("complaint_channel", _ACTED), published=SOLVED,
    ),
)  # fmt: skip

_EDUCATION: tuple[Choice, ...] = (
    Choice(
        "education_reached", _yes(0.56, 0.06),
        {"age_part": {"60-70": {"yes": -0.35}, "60-69": {"yes": -0.35}, "70-79": {"yes": -0.6},
                      "80+": {"yes": -1.0}, "15-24": {"yes": 0.15}},
         "residence": {"rural": {"yes": -0.45}}},
        city={"yes": 0.30},
    ),
    Choice(
        "education_channel",
        {"tv": 0.36, "online": 0.64, "community": 0.27, "shop": 0.21, "workplace": 0.16,
         "print": 0.10, "event": 0.08, "other": 0.015},
        {"age_part": {"60-70": {"tv": 1.0, "online": -1.2, "community": 0.7, "workplace": -2.0},
                      "15-24": {"tv": -0.6, "workplace": 1.0}},
         "residence": {"rural": {"community": 0.5, "shop": -0.5}}},
        after=("education_reached", _YES), multiple=True,
    ),
    Choice(
        "education_useful", {"very": 0.31, "some": 0.46, "little": 0.14, "none": 0.04, "dk": 0.05},
        {"age_part": {"60-70": {"very": -0.2}}}, city={"very": 0.25, "some": 0.1},
        after=("education_reached", _YES),
    ),
)  # fmt: skip

_ELDER_TOPICS: tuple[Choice, ...] = (
    Choice(
        "elder_health_selling", _yes(0.42, 0.04),
        {"gender": {"female": {"yes": 0.25}}, "age_part": {"70-79": {"yes": 0.15}}},
        only=_OLD,
    ),
    Choice(
        "elder_emotional_selling", _yes(0.19, 0.05),
        {"gender": {"female": {"yes": 0.2}}, "answered_by": {"proxy_child": {"yes": 0.35}},
         "age_part": {"70-79": {"yes": 0.15}}},
        city={"yes": -0.1}, only=_OLD,
    ),
    Choice(
        "elder_electronics", {"easy": 0.37, "a_little": 0.35, "hard": 0.18, "cannot": 0.10},
        {"age_part": {"70-79": {"hard": 0.6, "cannot": 1.1}, "80+": {"hard": 0.9, "cannot": 2.1}},
         "residence": {"rural": {"hard": 0.35, "cannot": 0.6}},
         "answered_by": {"proxy_child": {"cannot": 0.6}}},
        only=_OLD,
    ),
    Choice(
        "elder_cash_refused", {"yes": 0.11, "no": 0.67, "na": 0.18, "dk": 0.04},
        {"age_part": {"70-79": {"na": -0.4}, "80+": {"na": -0.5, "yes": -0.2}}},
        city={"yes": -0.12}, only=_OLD,
    ),
)  # fmt: skip

_CHILD_TOPICS: tuple[Choice, ...] = (
    Choice(
        "child_online_spending", _yes(0.33, 0.04),
        {"school_stage": {"preschool": {"yes": -1.6}, "junior": {"yes": 0.9},
                          "senior": {"yes": 1.5}, "vocational_other": {"yes": 1.6}}},
        after=_CHILD, only=_PARENT,
    ),
    Choice(
        "child_unapproved_spending", _yes(0.24, 0.06),
        {"school_stage": {"junior": {"yes": 0.3}, "preschool": {"yes": 0.2}},
         "guardian_relation": {"grandparent": {"yes": 0.35, "dk": 0.8}},
         "residence": {"rural": {"yes": 0.25}}},
        after=("child_online_spending", _YES),
    ),
    Choice(
        "child_blind_box", {"never": 0.45, "sometimes": 0.39, "often": 0.11, "dk": 0.05},
        {"school_stage": {"preschool": {"never": 0.8}, "primary": {"often": 0.4},
                          "senior": {"never": 0.3}},
         "guardian_relation": {"grandparent": {"dk": 0.8}}},
        after=_CHILD, only=_PARENT,
    ),
)  # fmt: skip

_CONSENT = Choice("guardian_consent", {"yes": 0.955, "no": 0.045})
"""Asked only about a child under 14; the age decides it, see `child_age`."""

MAIN: tuple[Choice, ...] = (
    Choice(
        "consumer_confidence",
        {"very": 0.26, "fairly": 0.41, "neutral": 0.21, "little": 0.06, "none": 0.02, "dk": 0.04},
        {"age_part": {"60-70": {"dk": 0.5}, "15-24": {"very": 0.15}},
         "income": {"lt3000": {"very": -0.3, "little": 0.4}, "ge8000": {"very": 0.2}}},
        city={"very": 0.35, "fairly": 0.12, "little": -0.3},
    ),
    Choice(
        "income_outlook", {"up": 0.30, "same": 0.49, "down": 0.13, "dk": 0.08},
        {"age_part": {"15-24": {"up": 0.4}, "25-34": {"up": 0.35}, "60-70": {"up": -0.8}}},
        city={"up": 0.15, "down": -0.12},
    ),
    Choice(
        "spending_plan", {"up": 0.34, "same": 0.46, "down": 0.14, "dk": 0.06},
        {"age_part": {"25-34": {"up": 0.25}, "60-70": {"up": -0.5}}},
        city={"up": 0.1, "down": -0.1},
    ),
    Choice(
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
    Choice(
        "services_used",
        {"dining": 0.80, "housekeeping": 0.13, "beauty": 0.52, "repair": 0.22, "travel": 0.30,
         "sports": 0.18, "culture": 0.33, "training": 0.15, "none": 0.045},
        {"age_part": {"60-70": {"culture": -1.0, "sports": -0.7, "training": -1.3, "none": 0.8},
                      "15-24": {"culture": 0.6, "sports": 0.4, "housekeeping": -0.9}},
         "guardian": {"yes": {"training": 1.0}},
         "residence": {"rural": {"culture": -0.7, "travel": -0.5, "none": 0.6}},
         "income": {"ge8000": {"travel": 0.6, "housekeeping": 0.8}, "lt3000": {"travel": -0.6}}},
        city={"culture": 0.15}, multiple=True, alone="none",
    ),
    *_DISPUTES, *_EDUCATION, *_ELDER_TOPICS, _CONSENT, *_CHILD_TOPICS,
    Choice(
        "rural_shop_place",
        {"village": 0.24, "town": 0.37, "county": 0.12, "city": 0.08, "online": 0.19},
        {"age_part": {"60-70": {"online": -1.5, "village": 0.5}, "15-24": {"online": 0.8}}},
        only=_RURAL,
    ),
    Choice(
        "rural_delivery",
        {"home": 0.21, "village": 0.45, "town": 0.28, "county": 0.02, "na": 0.025, "dk": 0.015},
        city={"home": 0.25, "village": 0.2}, only=_RURAL,
    ),
)  # fmt: skip

ELDERLY: tuple[Choice, ...] = (
    *(Choice(c.name, c.shares, c.shifts, c.city) for c in _ELDER_TOPICS),
    Choice(
        "elder_health_bought", _yes(0.31, 0.03),
        {"gender": {"female": {"yes": 0.2}}, "income": {"lt3000": {"yes": -0.3}}},
    ),
    Choice(
        "elder_health_channel",
        {"pharmacy": 0.42, "shop": 0.20, "talk": 0.23, "door": 0.08, "broadcast": 0.12,
         "online": 0.20, "tour": 0.05, "friend": 0.17, "other": 0.03},
        {"age_part": {"80+": {"online": -1.0, "door": 0.4}, "70-79": {"talk": 0.3}}},
        after=("elder_health_bought", _YES), multiple=True,
    ),
    Choice(
        "elder_health_claim", _yes(0.34, 0.08),
        {"answered_by": {"proxy_child": {"yes": 0.3}}, "age_part": {"70-79": {"yes": 0.2}}},
        after=("elder_health_bought", _YES),
    ),
    Choice(
        "elder_health_spending",
        {"lt500": 0.34, "from500": 0.36, "from2000": 0.20, "ge10000": 0.04, "dk": 0.06},
        {"income": {"ge8000": {"from2000": 0.5, "ge10000": 0.8}}},
        after=("elder_health_bought", _YES),
    ),
    Choice(
        "elder_prepaid", _yes(0.22, 0.03),
        {"residence": {"rural": {"yes": -0.8}}, "age_part": {"80+": {"yes": -0.8}}},
    ),
    Choice(
        "elder_prepaid_problem",
        {"closed": 0.32, "no_refund": 0.34, "surcharge": 0.24, "worse": 0.36, "other": 0.06,
         "none": 0.56},
        city={"none": 0.15}, after=("elder_prepaid", _YES), multiple=True, alone="none",
    ),
    Choice(
        "elder_investment_selling", _yes(0.16, 0.04), {"gender": {"female": {"yes": 0.15}}},
        city={"yes": -0.1},
    ),
    Choice(
        "elder_scam_loss", {"yes": 0.062, "no": 0.905, "refused": 0.033},
        {"answered_by": {"proxy_child": {"yes": 0.3}}, "age_part": {"70-79": {"yes": 0.2}}},
        city={"yes": -0.15},
    ),
    Choice(
        "elder_scam_told",
        {"family": 0.60, "friend": 0.28, "community": 0.10, "police": 0.30, "complaint": 0.13,
         "other": 0.02, "none": 0.19},
        {"answered_by": {"self": {"none": 0.2}}},
        after=("elder_scam_loss", _YES), multiple=True, alone="none",
    ),
    Choice(
        "elder_hard_tasks",
        {"order": 0.38, "pay": 0.22, "ride": 0.42, "doctor": 0.40, "ticket": 0.44, "bills": 0.30,
         "shopping": 0.41, "none": 0.27},
        {"age_part": {"70-79": {"none": -0.8, "pay": 0.6}, "80+": {"none": -1.7, "pay": 1.2}},
         "residence": {"rural": {"none": -0.4}}},
        multiple=True, alone="none",
    ),
    Choice(
        "elder_help",
        {"children": 0.56, "spouse": 0.13, "staff": 0.15, "friend": 0.07, "nobody": 0.09},
        {"age_part": {"80+": {"spouse": -0.6}}, "residence": {"rural": {"nobody": 0.4}}},
        after=("elder_hard_tasks", ("order", "pay", "ride", "doctor", "ticket", "bills",
                                    "shopping")),
    ),
    Choice(
        "elder_care_used",
        {"meals": 0.46, "home": 0.24, "day": 0.15, "residence": 0.07, "nursing": 0.25,
         "other": 0.03, "none": 0.70},
        {"age_part": {"80+": {"none": -0.7, "home": 0.5}, "70-79": {"none": -0.25}},
         "residence": {"rural": {"none": 0.5}}},
        city={"none": -0.12}, multiple=True, alone="none",
    ),
    *(Choice(c.name, c.shares, c.shifts, c.city, c.after,
             published=c.published) for c in _DISPUTES),
    *_EDUCATION,
)  # fmt: skip

_STAGE_NA: Shifts = {"school_stage": {"preschool": {"na": 3.2}}}

MINORS: tuple[Choice, ...] = (
    Choice("guardian_consent", {"yes": 1.0, "no": 0.0}),
    *(Choice(c.name, c.shares, c.shifts, c.city, c.after) for c in _CHILD_TOPICS),
    Choice(
        "child_spending_kinds",
        {"game": 0.48, "tipping": 0.08, "shopping": 0.45, "membership": 0.32, "learning": 0.28,
         "other": 0.04, "dk": 0.03},
        {"school_stage": {"preschool": {"learning": 0.5, "shopping": -1.0},
                          "senior": {"shopping": 0.8}, "vocational_other": {"tipping": 0.6}}},
        after=("child_online_spending", _YES), multiple=True, alone="dk",
    ),
    Choice(
        "child_spending_amount",
        {"lt100": 0.33, "from100": 0.33, "from500": 0.20, "ge2000": 0.09, "dk": 0.05},
        {"school_stage": {"senior": {"from500": 0.6, "ge2000": 0.8},
                          "vocational_other": {"from500": 0.6, "ge2000": 0.8},
                          "preschool": {"lt100": 0.6}}},
        after=("child_online_spending", _YES),
    ),
    Choice(
        "child_refund",
        {"all": 0.20, "part": 0.16, "none": 0.22, "pending": 0.06, "not_asked": 0.36},
        city={"all": 0.15}, after=("child_unapproved_spending", _YES),
    ),
    Choice(
        "child_minor_mode", {"yes": 0.39, "no": 0.40, "na": 0.11, "dk": 0.10},
        {"school_stage": {"preschool": {"na": 1.2}, "senior": {"yes": -0.8}},
         "guardian_relation": {"grandparent": {"dk": 1.1}}},
        after=_CHILD,
    ),
    Choice(
        "child_goods_problem",
        {"smell": 0.40, "sharp": 0.20, "small_parts": 0.30, "no_label": 0.30, "broken": 0.52,
         "other": 0.04, "none": 0.52},
        {"school_stage": {"preschool": {"small_parts": 0.6}},
         "residence": {"rural": {"none": -0.3}}},
        city={"none": 0.12}, after=_CHILD, multiple=True, alone="none",
    ),
    Choice(
        "child_blind_box_spending",
        {"lt20": 0.27, "from20": 0.42, "from100": 0.20, "ge300": 0.05, "dk": 0.06},
        after=("child_blind_box", ("sometimes", "often")),
    ),
    Choice(
        "child_campus_food",
        {"never": 0.26, "monthly": 0.35, "weekly": 0.26, "daily": 0.07, "na": 0.01, "dk": 0.05},
        _STAGE_NA, after=_CHILD,
    ),
    Choice(
        "child_play_hurt", {"yes": 0.075, "no": 0.79, "na": 0.10, "dk": 0.035},
        {"school_stage": {"preschool": {"yes": 0.5}, "senior": {"na": 0.8}}}, after=_CHILD,
    ),
    Choice(
        "child_training_kinds",
        {"academic": 0.34, "arts": 0.45, "sports": 0.38, "tech": 0.14, "care": 0.26, "other": 0.04,
         "none": 0.42},
        {"school_stage": {"preschool": {"none": 0.5, "academic": -1.2},
                          "junior": {"arts": -0.6, "academic": 0.8}, "senior": {"care": -1.5},
                          "vocational_other": {"none": 0.9}},
         "residence": {"rural": {"none": 0.7}}},
        after=_CHILD, multiple=True, alone="none",
    ),
    Choice(
        "child_training_prepaid",
        {"up_to_3m": 0.49, "over_3m": 0.33, "after": 0.07, "na": 0.06, "dk": 0.05},
        city={"over_3m": -0.12},
        after=("child_training_kinds", ("academic", "arts", "sports", "tech", "care", "other")),
    ),
    Choice(
        "child_training_refund", {"yes": 0.09, "no": 0.16, "na": 0.70, "dk": 0.05},
        after=("child_training_kinds", ("academic", "arts", "sports", "tech", "care", "other")),
    ),
    *_EDUCATION,
)  # fmt: skip
