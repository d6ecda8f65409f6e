"""The questions with choices of the two supplements: older consumers, and children."""

from seed.demo.choices import (
    CHILD,
    CHILD_TOPICS,
    DISPUTES,
    EDUCATION,
    ELDER_TOPICS,
    YES,
    ChoiceModel,
    Shifts,
    yes,
)

ELDERLY: tuple[ChoiceModel, ...] = (
    *(ChoiceModel(c.name, c.shares, c.shifts, c.city) for c in ELDER_TOPICS),
    ChoiceModel(
        "elder_health_bought", yes(0.31, 0.03),
        {"gender": {"female": {"yes": 0.2}}, "income": {"lt3000": {"yes": -0.3}}},
    ),
    ChoiceModel(
        "elder_health_channel",
        {"pharmacy": 0.42, "shop": 0.20, "talk": 0.23, "door": 0.08, "broadcast": 0.12,
         "online": 0.20, "tour": 0.05, "friend": 0.17, "other": 0.03},
        {"age_part": {"80+": {"online": -1.0, "door": 0.4}, "70-79": {"talk": 0.3}}},
        after=("elder_health_bought", YES), multiple=True,
    ),
    ChoiceModel(
        "elder_health_claim", yes(0.34, 0.08),
        {"answered_by": {"proxy_child": {"yes": 0.3}}, "age_part": {"70-79": {"yes": 0.2}}},
        after=("elder_health_bought", YES),
    ),
    ChoiceModel(
        "elder_health_spending",
        {"lt500": 0.34, "from500": 0.36, "from2000": 0.20, "ge10000": 0.04, "dk": 0.06},
        {"income": {"ge8000": {"from2000": 0.5, "ge10000": 0.8}}},
        after=("elder_health_bought", YES),
    ),
    ChoiceModel(
        "elder_prepaid", yes(0.22, 0.03),
        {"residence": {"rural": {"yes": -0.8}}, "age_part": {"80+": {"yes": -0.8}}},
    ),
    ChoiceModel(
        "elder_prepaid_problem",
        {"closed": 0.32, "no_refund": 0.34, "surcharge": 0.24, "worse": 0.36, "other": 0.06,
         "none": 0.56},
        city={"none": 0.15}, after=("elder_prepaid", YES), multiple=True, exclusive="none",
    ),
    ChoiceModel(
        "elder_investment_selling", yes(0.16, 0.04), {"gender": {"female": {"yes": 0.15}}},
        city={"yes": -0.1},
    ),
    ChoiceModel(
        "elder_scam_loss", {"yes": 0.062, "no": 0.905, "refused": 0.033},
        {"answered_by": {"proxy_child": {"yes": 0.3}}, "age_part": {"70-79": {"yes": 0.2}}},
        city={"yes": -0.15},
    ),
    ChoiceModel(
        "elder_scam_told",
        {"family": 0.60, "friend": 0.28, "community": 0.10, "police": 0.30, "complaint": 0.13,
         "other": 0.02, "none": 0.19},
        {"answered_by": {"self": {"none": 0.2}}},
        after=("elder_scam_loss", YES), multiple=True, exclusive="none",
    ),
    ChoiceModel(
        "elder_hard_tasks",
        {"order": 0.38, "pay": 0.22, "ride": 0.42, "doctor": 0.40, "ticket": 0.44, "bills": 0.30,
         "shopping": 0.41, "none": 0.27},
        {"age_part": {"70-79": {"none": -0.8, "pay": 0.6}, "80+": {"none": -1.7, "pay": 1.2}},
         "residence": {"rural": {"none": -0.4}}},
        multiple=True, exclusive="none",
    ),
    ChoiceModel(
        "elder_help",
        {"children": 0.56, "spouse": 0.13, "staff": 0.15, "friend": 0.07, "nobody": 0.09},
        {"age_part": {"80+": {"spouse": -0.6}}, "residence": {"rural": {"nobody": 0.4}}},
        after=("elder_hard_tasks", ("order", "pay", "ride", "doctor", "ticket", "bills",
                                    "shopping")),
    ),
    ChoiceModel(
        "elder_care_used",
        {"meals": 0.46, "home": 0.24, "day": 0.15, "residence": 0.07, "nursing": 0.25,
         "other": 0.03, "none": 0.70},
        {"age_part": {"80+": {"none": -0.7, "home": 0.5}, "70-79": {"none": -0.25}},
         "residence": {"rural": {"none": 0.5}}},
        city={"none": -0.12}, multiple=True, exclusive="none",
    ),
    *(ChoiceModel(c.name, c.shares, c.shifts, c.city, c.after,
             published=c.published) for c in DISPUTES),
    *EDUCATION,
)  # fmt: skip

_STAGE_NA: Shifts = {"school_stage": {"preschool": {"na": 3.2}}}

MINORS: tuple[ChoiceModel, ...] = (
    ChoiceModel("guardian_consent", {"yes": 1.0, "no": 0.0}),
    *(ChoiceModel(c.name, c.shares, c.shifts, c.city, c.after) for c in CHILD_TOPICS),
    ChoiceModel(
        "child_spending_kinds",
        {"game": 0.48, "tipping": 0.08, "shopping": 0.45, "membership": 0.32, "learning": 0.28,
         "other": 0.04, "dk": 0.03},
        {"school_stage": {"preschool": {"learning": 0.5, "shopping": -1.0},
                          "senior": {"shopping": 0.8}, "vocational_other": {"tipping": 0.6}}},
        after=("child_online_spending", YES), multiple=True, exclusive="dk",
    ),
    ChoiceModel(
        "child_spending_amount",
        {"lt100": 0.33, "from100": 0.33, "from500": 0.20, "ge2000": 0.09, "dk": 0.05},
        {"school_stage": {"senior": {"from500": 0.6, "ge2000": 0.8},
                          "vocational_other": {"from500": 0.6, "ge2000": 0.8},
                          "preschool": {"lt100": 0.6}}},
        after=("child_online_spending", YES),
    ),
    ChoiceModel(
        "child_refund",
        {"all": 0.20, "part": 0.16, "none": 0.22, "pending": 0.06, "not_asked": 0.36},
        city={"all": 0.15}, after=("child_unapproved_spending", YES),
    ),
    ChoiceModel(
        "child_minor_mode", {"yes": 0.39, "no": 0.40, "na": 0.11, "dk": 0.10},
        {"school_stage": {"preschool": {"na": 1.2}, "senior": {"yes": -0.8}},
         "guardian_relation": {"grandparent": {"dk": 1.1}}},
        after=CHILD,
    ),
    ChoiceModel(
        "child_goods_problem",
        {"smell": 0.40, "sharp": 0.20, "small_parts": 0.30, "no_label": 0.30, "broken": 0.52,
         "other": 0.04, "none": 0.52},
        {"school_stage": {"preschool": {"small_parts": 0.6}},
         "residence": {"rural": {"none": -0.3}}},
        city={"none": 0.12}, after=CHILD, multiple=True, exclusive="none",
    ),
    ChoiceModel(
        "child_blind_box_spending",
        {"lt20": 0.27, "from20": 0.42, "from100": 0.20, "ge300": 0.05, "dk": 0.06},
        after=("child_blind_box", ("sometimes", "often")),
    ),
    ChoiceModel(
        "child_campus_food",
        {"never": 0.26, "monthly": 0.35, "weekly": 0.26, "daily": 0.07, "na": 0.01, "dk": 0.05},
        _STAGE_NA, after=CHILD,
    ),
    ChoiceModel(
        "child_play_hurt", {"yes": 0.075, "no": 0.79, "na": 0.10, "dk": 0.035},
        {"school_stage": {"preschool": {"yes": 0.5}, "senior": {"na": 0.8}}}, after=CHILD,
    ),
    ChoiceModel(
        "child_training_kinds",
        {"academic": 0.34, "arts": 0.45, "sports": 0.38, "tech": 0.14, "care": 0.26, "other": 0.04,
         "none": 0.42},
        {"school_stage": {"preschool": {"none": 0.5, "academic": -1.2},
                          "junior": {"arts": -0.6, "academic": 0.8}, "senior": {"care": -1.5},
                          "vocational_other": {"none": 0.9}},
         "residence": {"rural": {"none": 0.7}}},
        after=CHILD, multiple=True, exclusive="none",
    ),
    ChoiceModel(
        "child_training_prepaid",
        {"up_to_3m": 0.49, "over_3m": 0.33, "after": 0.07, "na": 0.06, "dk": 0.05},
        city={"over_3m": -0.12},
        after=("child_training_kinds", ("academic", "arts", "sports", "tech", "care", "other")),
    ),
    ChoiceModel(
        "child_training_refund", {"yes": 0.09, "no": 0.16, "na": 0.70, "dk": 0.05},
        after=("child_training_kinds", ("academic", "arts", "sports", "tech", "care", "other")),
    ),
    *EDUCATION,
)  # fmt: skip
