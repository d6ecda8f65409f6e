"""A small questionnaire with one of everything."""

from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SectionExit,
    SpecialAnswer,
)


def both(text: str) -> dict[str, str]:
    return {"zh": f"{text} (zh)", "en": text}


YES_NO = (Choice(name="yes", label=both("Yes")), Choice(name="no", label=both("No")))


def question(name: str, kind: ItemKind, **fields: object) -> Item:
    return Item.model_validate({"name": name, "kind": kind, "label": both(name), **fields})


def sample(**changes: object) -> Instrument:
    instrument = Instrument(
        name="sample",
        version="1",
        title=both("Sample"),
        default_language="zh",
        languages=(Language(code="zh", name="中文"), Language(code="en", name="English")),
        tree="cca-2023",
        sections=(
            Section(
                name="door",
                title=both("Consent"),
                items=(question("consent", ItemKind.SELECT_ONE, choices=YES_NO, required=True),),
            ),
            Section(
                name="declined",
                relevant="${consent} = 'no'",
                ends=SectionExit.REFUSED,
                items=(question("goodbye", ItemKind.NOTE),),
            ),
            Section(
                name="screening",
                items=(
                    question(
                        "birth_year",
                        ItemKind.INTEGER,
                        required=True,
                        minimum=1900,
                        maximum=2024,
                        constraint=". <= 2009",
                        constraint_message=both("15 or older"),
                        required_message=both("Year, please"),
                    ),
                    question("age", ItemKind.CALCULATE, calculation="2024 - ${birth_year}"),
                ),
            ),
            Section(
                name="too_old",
                relevant="${age} > 70",
                ends=SectionExit.SCREENED_OUT,
                items=(question("thanks", ItemKind.NOTE),),
            ),
            Section(
                name="main",
                items=(
                    question(
                        "quality",
                        ItemKind.RATING,
                        minimum=1,
                        maximum=10,
                        step=1,
                        required=True,
                        specials=(SpecialAnswer.DONT_KNOW, SpecialAnswer.NOT_EXPERIENCED),
                        indicator="2.1.2",
                        constraint=". != 7",
                    ),
                    question("why", ItemKind.TEXT, relevant="${quality} <= 3"),
                    question("channels", ItemKind.SELECT_MULTIPLE, choices=YES_NO),
                    question(
                        "spent",
                        ItemKind.DECIMAL,
                        minimum=0,
                        maximum=1000,
                        step=0.5,
                        relevant="selected(${channels}, 'yes')",
                    ),
                    question("bought_on", ItemKind.DATE, constraint=". <= today()"),
                    question("elderly", ItemKind.CALCULATE, calculation="${age} >= 60"),
                    question("children", ItemKind.NOTE, relevant="${elderly} = false()"),
                ),
            ),
        ),
    )
    return instrument.model_copy(update=changes)


def _county(name: str, *regions: str) -> Choice:
    return Choice(name=name, label=both(name), columns=tuple({"of": region} for region in regions))


def cascade() -> Instrument:
    """Questions of which each offers what goes with the answers before it."""
    regions = tuple(Choice(name=name, label=both(name)) for name in ("north", "south", "sea"))
    counties = (
        _county("king", "north", "south"),
        _county("lake", "north"),
        _county("hill", "south"),
    )
    towns = (_county("port", "king"), _county("mill", "king", "lake"))
    items = (
        question("region", ItemKind.SELECT_ONE, choices=regions),
        question(
            "county",
            ItemKind.SELECT_ONE,
            choices=counties,
            choice_filter="${region} = of",
            required=True,
        ),
        question(
            "towns",
            ItemKind.SELECT_MULTIPLE,
            choices=towns,
            choice_filter="of = ${county} or name = ${region}",
            constraint="count-selected(.) < 2",
        ),
        question(
            "again",
            ItemKind.SELECT_ONE,
            choices=counties,
            choice_filter="selected(${towns}, 'mill') and of != 'south'",
            specials=("dk",),
            required=True,
        ),
        question("seen", ItemKind.NOTE, relevant="${again} = 'king'"),
    )
    return sample(name="cascade", tree=None, sections=(Section(name="all", items=items),))


def moments_and_ranks() -> Instrument:
    """Questions about times, and about an order of answers."""
    goods = tuple(Choice(name=name, label=both(name)) for name in ("bread", "rice", "tea"))
    items = (
        question("at", ItemKind.TIME, constraint=". != '12:00'", required=True),
        question("on", ItemKind.DATETIME),
        question(
            "order", ItemKind.RANK, choices=goods, specials=("dk",), relevant="${on} != ''",
            constraint="not(regex(., 'tea .*'))",
        ),
        question("why", ItemKind.TEXT, relevant="selected(${order}, 'tea')", required=True),
    )  # fmt: skip
    return sample(name="moments", tree=None, sections=(Section(name="all", items=items),))
