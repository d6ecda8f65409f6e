"""What moves each 10-point item: its level, who answers differently, who cannot say.

Points are on the 0-100 scale. Effects on the latent scale add up; the level of the whole and the
effects of gender, age and income are then moved until the published figures come out (calibrate).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Effects = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class RatingModel:
    """One 10-point item.

    `offset` is its distance from the level above it: its first-level indicator for scored items,
    the composite of the year for the others. `city` says how much of a city's distance from the
    nation it shares. `after` names an earlier question and the answers that lead here, `only` the
    levels of an attribute that are asked at all.
    """

    name: str
    offset: float = 0.0
    effects: Effects = field(default_factory=dict)
    dont_know: float = 0.01
    not_experienced: float = 0.0
    vague: Effects = field(default_factory=dict)
    """Factors on both shares by level of an attribute."""
    city: float = 1.0
    after: tuple[str, tuple[str, ...]] | None = None
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: float = 1.0
    """Standard deviation of the item's own noise, relative to the usual one."""
    mood: tuple[str, Mapping[str, float]] | None = None
    """An earlier question and what each of its options, in their order, adds."""


SUPPLY: Effects = {
    "residence": {"rural": -3.0},
    "age_part": {"60-70": 0.8, "15-24": 0.4},
    "guardian": {"yes": -0.3},
}
ENVIRONMENT: Effects = {
    "residence": {"rural": -1.0},
    "age_part": {"60-70": -0.5, "15-24": 0.2},
    "guardian": {"yes": -1.2},
    "gender": {"male": 0.2},
}
RIGHTS: Effects = {
    "residence": {"rural": -2.2},
    "age_part": {"60-70": -1.0, "15-24": 0.5},
    "guardian": {"yes": -0.7},
}
_NONE: Effects = {}
_UNSURE: Effects = {
    "age_part": {"60-70": 1.7, "55-59": 1.3, "15-24": 1.2},
    "residence": {"rural": 1.3},
}


def _add_effects(base: Effects, extra: Effects) -> Effects:
    """Return both sets of effects added up."""
    attributes = {**base, **extra}
    return {
        attribute: {
            level: base.get(attribute, {}).get(level, 0.0)
            + extra.get(attribute, {}).get(level, 0.0)
            for level in {**base.get(attribute, {}), **extra.get(attribute, {})}
        }
        for attribute in attributes
    }


def _build_supply(
    name: str,
    offset: float,
    extra: Effects = _NONE,
    *,
    dont_know: float,
    not_experienced: float = 0.0,
) -> RatingModel:
    effects = _add_effects(SUPPLY, extra)
    return RatingModel(name, offset, effects, dont_know, not_experienced, _UNSURE)


def _build_environment(
    name: str,
    offset: float,
    extra: Effects = _NONE,
    *,
    dont_know: float,
    not_experienced: float = 0.0,
) -> RatingModel:
    effects = _add_effects(ENVIRONMENT, extra)
    return RatingModel(name, offset, effects, dont_know, not_experienced, _UNSURE)


def _build_rights(
    name: str,
    offset: float,
    extra: Effects = _NONE,
    *,
    dont_know: float,
    not_experienced: float = 0.0,
) -> RatingModel:
    effects = _add_effects(RIGHTS, extra)
    return RatingModel(name, offset, effects, dont_know, not_experienced, _UNSURE)


_OLD = "60-70"

SCORED: tuple[RatingModel, ...] = (
    _build_supply("product_range", 0.6, {"residence": {"rural": -1.0}}, dont_know=0.004),
    _build_supply("substitutes", -2.0, dont_know=0.015, not_experienced=0.06),
    _build_supply("outlet_distribution", 1.2, {"residence": {"rural": -1.5}}, dont_know=0.004),
    _build_supply("logistics", 3.4, {"residence": {"rural": -2.5}, "age_part": {_OLD: -1.5}},
                  dont_know=0.012, not_experienced=0.045),
    _build_supply("public_facilities", -3.6, {"age_part": {_OLD: -1.5}}, dont_know=0.008),
    _build_supply("supply_innovation", -1.2, {"age_part": {_OLD: -1.2, "15-24": 0.8}},
                  dont_know=0.03),
    _build_environment("genuine_goods", 1.2, {"guardian": {"yes": -0.8}, "age_part": {_OLD: -0.8}},
                       dont_know=0.014),
    _build_environment("quality", 1.8, {"guardian": {"yes": -0.8}}, dont_know=0.006),
    _build_environment("service", 1.4, {"age_part": {_OLD: 0.8}}, dont_know=0.005),
    _build_environment("premises_safety", 3.0, dont_know=0.02),
    _build_environment("premises_comfort", 2.2, dont_know=0.006),
    _build_environment("fair_price", -3.2, {"income": {"lt3000": -0.8}, "gender": {"female": -0.4}},
                       dont_know=0.006),
    _build_environment("clear_price", 2.0, dont_know=0.007),
    _build_environment("truthful_information", -2.2, {"age_part": {_OLD: -1.2}}, dont_know=0.018),
    _build_environment("after_sales", -0.8, {"residence": {"rural": -1.5}}, dont_know=0.02,
                       not_experienced=0.07),
    _build_environment("merchant_trust", 1.0, {"age_part": {_OLD: 0.4}}, dont_know=0.008),
    _build_environment("transaction_security", -4.6, {"age_part": {_OLD: -3.0}}, dont_know=0.022),
    _build_environment("right_to_know", 0.4, {"age_part": {_OLD: -0.6}}, dont_know=0.014),
    _build_environment("right_to_choose", 1.0, dont_know=0.01),
    _build_rights("policy_awareness", -4.0, {"age_part": {_OLD: -1.5}}, dont_know=0.0),
    _build_rights("policy_effect", 0.6, dont_know=0.08),
    _build_rights("redress_channels", 1.2, {"residence": {"rural": -1.5}, "age_part": {_OLD: -0.8}},
                  dont_know=0.09, not_experienced=0.22),
    _build_rights("redress_efficiency", -0.8, dont_know=0.09, not_experienced=0.30),
    _build_rights("redress_outcome", -0.6, dont_know=0.09, not_experienced=0.32),
    _build_rights("consumer_alerts", 0.8, dont_know=0.08, not_experienced=0.07),
    _build_rights("consumer_knowledge", 0.2, {"age_part": {_OLD: -0.6}}, dont_know=0.07,
                  not_experienced=0.07),
    _build_rights("consumer_enforcement", 2.2, dont_know=0.12),
)  # fmt: skip
"""In the order of the questionnaire. The two about policy are asked from 2023 on."""

_MAIN_MOODS: Effects = {
    "residence": {"rural": -1.4}, "age_part": {_OLD: -0.6}, "guardian": {"yes": -0.8},
}  # fmt: skip
_ROUTE_SOLVED = ("complaint_channel", (
    "merchant", "platform", "hotline_12315", "association", "government", "court", "media", "other",
))  # fmt: skip
_RELIEF = ("complaint_solved", {"yes": 12.0, "partly": -6.0, "pending": -16.0, "no": -30.0})
USED_A_SERVICE = ("services_used", (
    "dining", "housekeeping", "beauty", "repair", "travel", "sports", "culture", "training",
))  # fmt: skip
_NO_CHILD_RATING = {"guardian": ("yes",)}
_CHILD = ("guardian_consent", ("yes", "not_asked"))

MAIN_OTHERS: tuple[RatingModel, ...] = (
    RatingModel("overall", 0.9, _MAIN_MOODS, dont_know=0.006, own=0.55),
    RatingModel("services_satisfaction", 0.4, _MAIN_MOODS, dont_know=0.01,
           after=USED_A_SERVICE, city=0.8),
    RatingModel("culture_satisfaction", 1.6, {"residence": {"rural": -2.0}}, dont_know=0.01,
           after=("services_used", ("culture",)), city=0.8),
    RatingModel("complaint_satisfaction", -15.0, {"age_part": {_OLD: -1.0}}, dont_know=0.02,
           after=_ROUTE_SOLVED, city=0.6, own=1.3, mood=_RELIEF),
    RatingModel("elder_care_satisfaction", -4.0, {"residence": {"rural": -3.0}}, dont_know=0.10,
           not_experienced=0.38, only={"age_part": (_OLD,)}, city=0.8),
    RatingModel("child_toys_satisfaction", -3.0, dont_know=0.02, not_experienced=0.03,
           after=_CHILD, only=_NO_CHILD_RATING, city=0.8),
    RatingModel("child_play_satisfaction", -2.0, dont_know=0.04, not_experienced=0.12,
           after=_CHILD, only=_NO_CHILD_RATING, city=0.8),
    RatingModel("child_training_satisfaction", -6.0, dont_know=0.04, not_experienced=0.38,
           after=_CHILD, only=_NO_CHILD_RATING, city=0.7),
    RatingModel("rural_goods_satisfaction", -5.5, dont_know=0.01,
           only={"residence": ("rural",)}, city=0.7),
    RatingModel("rural_repair_satisfaction", -9.0, dont_know=0.04, not_experienced=0.22,
           only={"residence": ("rural",)}, city=0.7),
)  # fmt: skip

_AGEING: Effects = {
    "age_part": {"70-79": -1.2, "80+": -2.6},
    "residence": {"rural": -2.2},
    "answered_by": {"assisted": -0.6, "proxy_child": -2.4, "proxy_other": -1.4},
    "gender": {"male": 0.3},
}
_OLD_UNSURE: Effects = {
    "age_part": {"70-79": 1.5, "80+": 2.2},
    "residence": {"rural": 1.2},
    "answered_by": {"proxy_child": 1.3, "proxy_other": 1.8},
}


def _build_elder(
    name: str,
    offset: float,
    extra: Effects = _NONE,
    *,
    dont_know: float,
    not_experienced: float = 0.0,
) -> RatingModel:
    effects = _add_effects(_AGEING, extra)
    return RatingModel(name, offset, effects, dont_know, not_experienced, _OLD_UNSURE, city=0.8)


ELDERLY: tuple[RatingModel, ...] = (
    _build_elder("elder_goods_satisfaction", -4.4, dont_know=0.02),
    _build_elder("elder_labels_satisfaction", -12.5, {"age_part": {"80+": -2.0}}, dont_know=0.03),
    _build_elder("elder_premises_satisfaction", -6.5, {"age_part": {"80+": -1.5}}, dont_know=0.03),
    _build_elder("elder_staff_satisfaction", -0.6, dont_know=0.02),
    _build_elder("elder_cash_satisfaction", -3.2, {"age_part": {"80+": -1.5}}, dont_know=0.02,
                 not_experienced=0.08),
    _build_elder("elder_redress_satisfaction", -9.8, {"residence": {"rural": -1.5}}, dont_know=0.12,
                 not_experienced=0.24),
    replace(_build_elder("overall", -3.2, dont_know=0.01), own=0.6),
    _build_elder("elder_care_satisfaction", -5.0, {"residence": {"rural": -3.0}}, dont_know=0.08,
                 not_experienced=0.30),
    replace(_build_elder("elder_health_satisfaction", -14.0, {"answered_by": {"proxy_child": -5.0}},
                         dont_know=0.04), after=("elder_health_bought", ("yes",)), own=1.2),
    replace(_build_elder("complaint_satisfaction", -17.0, dont_know=0.03),
            after=_ROUTE_SOLVED, own=1.3, mood=_RELIEF),
)  # fmt: skip

_CHILDHOOD: Effects = {
    "school_stage": {"preschool": 0.8, "junior": -1.0, "senior": -0.8, "vocational_other": -1.4},
    "residence": {"rural": -2.0},
    "guardian_relation": {"father": 0.8, "grandparent": 1.6},
}


_CARER_UNSURE: Effects = {"guardian_relation": {"grandparent": 1.8, "other": 2.0}}


def _build_child(
    name: str,
    offset: float,
    extra: Effects = _NONE,
    *,
    dont_know: float,
    not_experienced: float = 0.0,
) -> RatingModel:
    effects = _add_effects(_CHILDHOOD, extra)
    return RatingModel(
        name, offset, effects, dont_know, not_experienced, _CARER_UNSURE, city=0.8, after=_CHILD
    )


MINORS: tuple[RatingModel, ...] = (
    _build_child("child_goods_satisfaction", -3.4, dont_know=0.01),
    _build_child("child_food_satisfaction", -5.2, dont_know=0.01),
    _build_child("child_reading_satisfaction", -3.0, dont_know=0.04, not_experienced=0.06),
    _build_child("child_ads_satisfaction", -12.5, dont_know=0.05),
    _build_child("child_redress_satisfaction", -8.5, dont_know=0.12, not_experienced=0.28),
    replace(_build_child("overall", -3.8, dont_know=0.01), own=0.6),
    _build_child("child_toys_satisfaction", -4.6, dont_know=0.01, not_experienced=0.02),
    _build_child("child_play_satisfaction", -3.6, {"school_stage": {"preschool": -1.2}},
                 dont_know=0.03, not_experienced=0.10),
    _build_child("child_training_satisfaction", -6.8, dont_know=0.03, not_experienced=0.36),
    _build_child("child_campus_food_satisfaction", -15.5, {"school_stage": {"primary": -1.5}},
                 dont_know=0.04, not_experienced=0.20),
)  # fmt: skip
