"""A small questionnaire with one of everything."""

from survey.instrument.model import (
    Choice,
    Ending,
    Instrument,
    Item,
    Kind,
    Language,
    Section,
    Special,
)


def both(text: str) -> dict[str, str]:
    return {"zh": f"{text} (zh)", "en": text}


YES_NO = (Choice(name="yes", label=both("Yes")), Choice(name="no", label=both("No")))


def question(name: str, kind: Kind, **fields: object) -> Item:
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
                items=(question("consent", Kind.SELECT_ONE, choices=YES_NO, required=True),),
            ),
            Section(
                name="declined",
                relevant="${consent} = 'no'",
                ends=Ending.REFUSED,
                items=(question("goodbye", Kind.NOTE),),
            ),
            Section(
                name="screening",
                items=(
                    question(
                        "birth_year",
                        Kind.INTEGER,
                        required=True,
                        minimum=1900,
                        maximum=2024,
                        constraint=". <= 2009",
                        constraint_message=both("15 or older"),
                        required_message=both("Year, please"),
                    ),
                    question("age", Kind.CALCULATE, calculation="2024 - ${birth_year}"),
                ),
            ),
            Section(
                name="too_old",
                relevant="${age} > 70",
                ends=Ending.SCREENED_OUT,
                items=(question("thanks", Kind.NOTE),),
            ),
            Section(
                name="main",
                items=(
                    question(
                        "quality",
                        Kind.RATING,
                        minimum=1,
                        maximum=10,
                        step=1,
                        required=True,
                        specials=(Special.DONT_KNOW, Special.NOT_EXPERIENCED),
                        indicator="2.1.2",
                        constraint=". != 7",
                    ),
                    question("why", Kind.TEXT, relevant="${quality} <= 3"),
                    question("channels", Kind.SELECT_MULTIPLE, choices=YES_NO),
                    question(
                        "spent",
                        Kind.DECIMAL,
                        minimum=0,
                        maximum=1000,
                        step=0.5,
                        relevant="selected(${channels}, 'yes')",
                    ),
                    question("bought_on", Kind.DATE, constraint=". <= today()"),
                    question("elderly", Kind.CALCULATE, calculation="${age} >= 60"),
                    question("children", Kind.NOTE, relevant="${elderly} = false()"),
                ),
            ),
        ),
    )
    return instrument.model_copy(update=changes)
