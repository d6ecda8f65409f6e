"""Every kind of question that a stranger's form may hold, answered in the browser."""

from itertools import count

import pytest
from playwright.sync_api import Page, expect

from survey.locale import translator
from survey.questionnaire.model import (
    Choice,
    Instrument,
    Item,
    ItemKind,
    Language,
    Section,
    SpecialAnswer,
)
from tests.server_process import LivePlatform, Respondent, serious_problems

en = translator("en")
VERSIONS = count(1)


def french(text: str) -> dict[str, str]:
    return {"fr": text}


def choices(*names: str) -> tuple[Choice, ...]:
    return tuple(Choice(name=name, label=french(name.title())) for name in names)


def question(name: str, kind: ItemKind, **fields: object) -> Item:
    return Item.model_validate({"name": name, "kind": kind, "label": french(name), **fields})


def form(*items: Item) -> Instrument:
    """A form of one untitled section in a language that the platform does not speak.

    It has a rating in any case: without one there is nothing to freeze, and no wave of it opens.
    """
    if all(item.kind is not ItemKind.RATING for item in items):
        items = (*items, question("rated", ItemKind.RATING, minimum=1, maximum=5, step=1))
    return Instrument(
        name="kinds",
        version=str(next(VERSIONS)),
        title=french("Enquête"),
        default_language="fr",
        languages=(Language(code="fr", name="Français"),),
        sections=(Section(name="all", items=items),),
    )


@pytest.fixture
def received(live_server: LivePlatform, page: Page, respondent: Respondent) -> object:
    """Hand in, and say what the store has got."""

    def hand_in() -> dict[str, object]:
        respondent.go_on()
        expect(page.locator(".sf-heading")).to_have_text(en("Received. Thank you!"))
        answers: dict[str, object] = live_server.responses()[-1][1].answers
        return {name: value for name, value in answers.items() if value is not None}

    return hand_in


def test_one_of_each(
    live_server: LivePlatform, page: Page, respondent: Respondent, received: object
) -> None:
    pick = choices("red", "green", "blue")
    respondent.open(
        live_server.ask(
            form(
                question("short", ItemKind.TEXT),
                question("long", ItemKind.TEXT, appearance="multiline w4"),
                question("whole", ItemKind.INTEGER),
                question("price", ItemKind.DECIMAL, minimum=0),
                question("day", ItemKind.DATE),
                question("one", ItemKind.SELECT_ONE, choices=pick),
                question("from_list", ItemKind.SELECT_ONE, choices=pick, appearance="minimal"),
                question("many", ItemKind.SELECT_MULTIPLE, choices=pick),
                question("stars", ItemKind.RATING, minimum=1, maximum=5, step=1),
                question(
                    "named",
                    ItemKind.RATING,
                    minimum=1,
                    maximum=3,
                    step=1,
                    choices=(
                        Choice(name="1", label=french("mauvais")),
                        Choice(name="2", label=french("moyen")),
                        Choice(name="3", label=french("bon")),
                    ),
                ),
                question("percent", ItemKind.RATING, minimum=0, maximum=100, step=1),
                question("remark", ItemKind.NOTE),
                question("total", ItemKind.CALCULATE, calculation="${whole} * 2"),
            )
        )
    )
    assert serious_problems(page) == []
    assert page.locator("html").get_attribute("lang") == "fr"
    respondent.fill("short", "  deux mots ")
    respondent.fill("long", "une ligne\nune autre")
    respondent.fill("whole", "\uff14\uff12")
    respondent.fill("price", "12.50")
    respondent.fill("day", "2026-05-20")
    respondent.choose("one", "green")
    respondent.item("from_list").locator("select").select_option("blue")
    respondent.choose("many", "blue")
    respondent.choose("many", "red")
    respondent.choose("stars", 5)
    page.get_by_role("radio", name="moyen").check()
    respondent.fill("percent", "80")
    assert received() == {
        "short": "deux mots",
        "long": "une ligne\nune autre",
        "whole": 42,
        "price": 12.5,
        "day": "2026-05-20",
        "one": "green",
        "from_list": "blue",
        "many": ["red", "blue"],
        "stars": 5,
        "named": 2,
        "percent": 80,
        "total": 84,
    }


def test_answers_are_told_in_later_questions(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    respondent.open(
        live_server.ask(
            form(
                question("fruit", ItemKind.SELECT_ONE, choices=choices("apple", "pear")),
                question("count", ItemKind.INTEGER),
                question("why", ItemKind.TEXT, label=french("Why ${count} times ${fruit}?")),
            )
        )
    )
    respondent.choose("fruit", "pear")
    respondent.fill("count", "3")
    expect(respondent.item("why").locator(".sf-label")).to_contain_text("Why 3 times Pear?")


def test_what_was_mistyped_is_said_beside_it(
    live_server: LivePlatform, page: Page, respondent: Respondent, received: object
) -> None:
    respondent.open(
        live_server.ask(
            form(
                question("age", ItemKind.INTEGER, minimum=0, maximum=120),
                question(
                    "even",
                    ItemKind.INTEGER,
                    constraint=". mod 2 = 0",
                    constraint_message=french("pair, s'il vous plaît"),
                ),
            )
        )
    )
    age, even = respondent.item("age"), respondent.item("even")
    respondent.fill("age", "twelve")
    respondent.fill("even", "3")
    respondent.go_on()
    expect(age.locator(".sf-error")).to_have_text(
        en("Please enter a whole number, for example 35.")
    )
    expect(even.locator(".sf-error")).to_have_text("pair, s'il vous plaît")
    respondent.fill("age", "130")
    expect(age.locator(".sf-error")).to_have_text(
        en("Please enter a number from {min} to {max}.").format(min=0, max=120)
    )
    respondent.fill("age", "12")
    respondent.fill("even", "4")
    expect(page.locator(".sf-error:not(:empty)")).to_have_count(0)
    assert received() == {"age": 12, "even": 4}


def test_an_optional_answer_can_be_taken_back(
    live_server: LivePlatform, page: Page, respondent: Respondent, received: object
) -> None:
    codes = (SpecialAnswer.DONT_KNOW, SpecialAnswer.REFUSED)
    respondent.open(
        live_server.ask(
            form(
                question("score", ItemKind.RATING, minimum=1, maximum=10, step=1, specials=codes),
                question("income", ItemKind.INTEGER, specials=codes),
                question(
                    "topics", ItemKind.SELECT_MULTIPLE, choices=choices("a", "b"), specials=codes
                ),
            )
        )
    )
    respondent.choose("score", 3)
    page.get_by_role("button", name=en("Clear this answer")).click()
    expect(respondent.item("score").locator("input:checked")).to_have_count(0)
    respondent.fill("income", "5000")
    respondent.choose("income", "refused")
    expect(respondent.item("income").locator(".sf-field")).to_have_value("")
    respondent.choose("topics", "a")
    respondent.choose("topics", "dk")
    expect(respondent.item("topics").locator('input[value="a"]')).not_to_be_checked()
    assert received() == {"income": "refused", "topics": "dk"}


def test_a_long_list_becomes_a_drop_down(
    live_server: LivePlatform, page: Page, respondent: Respondent
) -> None:
    many = choices(*(f"town{number}" for number in range(60)))
    respondent.open(live_server.ask(form(question("town", ItemKind.SELECT_ONE, choices=many))))
    expect(respondent.item("town").locator("option")).to_have_count(61)


def of_region(name: str, *regions: str) -> Choice:
    rows = tuple({"region": region} for region in regions)
    return Choice(name=name, label=french(name.title()), columns=rows)


def test_choices_follow_the_answers_before(
    live_server: LivePlatform, page: Page, respondent: Respondent, received: object
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    counties = (of_region("king", "north", "south"), of_region("lake", "north"))
    towns = tuple(of_region(f"t{n}", "king" if n % 2 else "lake") for n in range(40))
    respondent.open(
        live_server.ask(
            form(
                question("region", ItemKind.SELECT_ONE, choices=choices("north", "south")),
                question(
                    "county",
                    ItemKind.SELECT_ONE,
                    choices=counties,
                    choice_filter="region = ${region}",
                    required=True,
                ),
                question(
                    "town", ItemKind.SELECT_ONE, choices=towns, choice_filter="region = ${county}"
                ),
            )
        )
    )
    county = respondent.item("county")
    expect(county).to_have_count(0)
    respondent.choose("region", "north")
    expect(county.locator("label:visible")).to_have_text(["King", "Lake"])
    respondent.choose("county", "lake")
    town = respondent.item("town").locator("select")
    expect(town.locator("option")).to_have_count(21)
    town.select_option("t2")
    respondent.choose("region", "south")
    expect(county.locator("label:visible")).to_have_text(["King"])
    expect(county.locator("input:checked")).to_have_count(0)
    expect(town).to_have_count(0)
    respondent.go_on()
    expect(county.locator(".sf-error")).to_have_text(en("Please answer this question."))
    county.locator("input:visible").focus()
    page.keyboard.press("1")
    town.select_option("t1")
    assert serious_problems(page) == []
    assert received() == {"region": "south", "county": "king", "town": "t1"}


def test_times_and_places_are_given_on_a_phone(
    live_server: LivePlatform, page: Page, respondent: Respondent, received: object
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    goods = choices("bread", "rice", "a_tea_with_a_name_so_long_that_it_needs_a_line_of_its_own")
    respondent.open(
        live_server.ask(
            form(
                question("at", ItemKind.TIME),
                question("on", ItemKind.DATETIME),
                question(
                    "order", ItemKind.RANK, choices=goods, specials=(SpecialAnswer.DONT_KNOW,)
                ),
            )
        )
    )
    respondent.fill("at", "09:30")
    respondent.fill("on", "2026-05-20T18:05")
    order = respondent.item("order")
    places = order.locator("select")
    places.nth(0).focus()
    page.keyboard.press("2")
    places.nth(1).select_option("3")
    respondent.go_on()
    words = en("Please give every answer a place of its own.")
    expect(order.locator(".sf-error")).to_have_text(words)
    page.reload()
    expect(places.nth(0)).to_have_value("2")
    places.nth(2).select_option("2")
    expect(places.nth(0)).to_have_value("")
    places.nth(0).select_option("3")
    expect(places.nth(1)).to_have_value("")
    places.nth(1).select_option("2")
    expect(places.nth(2)).to_have_value("")
    places.nth(2).select_option("1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious_problems(page) == []
    assert received() == {
        "at": "09:30",
        "on": "2026-05-20T18:05",
        "order": [goods[2].name, "rice", "bread"],
    }
