"""The shipped questionnaires: complete, bilingual, short enough, and routed as they promise."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from survey.questionnaire.checks import check_instrument
from survey.questionnaire.expressions.evaluator import evaluate
from survey.questionnaire.expressions.parser import parse
from survey.questionnaire.expressions.values import to_boolean
from survey.questionnaire.indicator_tree import Provenance, read_tree
from survey.questionnaire.model import Instrument, Item, ItemKind, Section, SpecialAnswer
from survey.questionnaire.validation import Validation, validate
from survey.questionnaire.xlsform.reader import load_bundle

SEED = Path(__file__).parents[2] / "seed"
INSTRUMENTS = (
    "main-2021", "main-2023", "main-2024", "elderly-2024", "minors-2024", "village-2026",
)  # fmt: skip
MAIN = ("main-2021", "main-2023", "main-2024")
TODAY = date(2024, 11, 15)
SILENT = {ItemKind.NOTE, ItemKind.CALCULATE}


@cache
def instrument(name: str) -> Instrument:
    return load_bundle(SEED / "instruments", name).instrument


@cache
def third_level(tree: str) -> dict[str, str]:
    with (SEED / "trees" / f"{tree}.csv").open(encoding="utf-8") as file:
        return {row["code"]: row["name_zh"] for row in csv.DictReader(file) if row["level"] == "3"}


@cache
def measures() -> tuple[dict[str, str], ...]:
    with (SEED / "instruments" / "measures.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


@dataclass(frozen=True)
class Interview:
    """One way through a questionnaire."""

    document: Instrument
    verdict: Validation

    @property
    def shown(self) -> list[Item]:
        return [self.document.by_name[name] for name in self.verdict.route]

    @property
    def asked(self) -> list[Item]:
        return [item for item in self.shown if item.kind not in SILENT]

    @property
    def names(self) -> set[str]:
        return {item.name for item in self.asked}

    @property
    def pages(self) -> list[Section]:
        route = set(self.verdict.route)
        return [page for page in self.document.sections if route & {i.name for i in page.items}]

    @property
    def page_names(self) -> list[str]:
        return [page.name for page in self.pages]

    @property
    def minutes(self) -> float:
        """Everything on the screen at the speed of reading aloud, and time to answer."""
        texts = [page.title["zh"] for page in self.pages]
        texts += [text for item in self.shown for text in chinese(item)]
        return sum(map(len, texts)) / 300 + len(self.asked) * 2.5 / 60


def chinese(item: Item) -> Iterator[str]:
    yield item.label.get("zh", "")
    yield item.hint.get("zh", "")
    for choice in item.choices:
        yield choice.label["zh"]


def through(name: str, **given: object) -> Interview:
    """Go through the questionnaire, answering `given`, and otherwise something harmless."""
    document = instrument(name)
    answers = {item.name: harmless(item) for item in document.items() if item.kind not in SILENT}
    return Interview(document, validate(document, {**answers, **given}, today=TODAY))


def walk(name: str, **given: object) -> Interview:
    """The same for an interview that the server accepts."""
    interview = through(name, **given)
    assert interview.verdict.problems == ()
    return interview


def harmless(item: Item) -> object:
    by_kind = {ItemKind.RATING: 8, ItemKind.TEXT: "", ItemKind.INTEGER: 1}
    if item.kind in by_kind:
        return by_kind[item.kind]
    usual = {
        "residence": "urban",
        "guardian": "no",
        "had_dispute": "no",
        "spending_plan": "same",
        "elder_scam_loss": "no",
        "elder_health_bought": "no",
        "child_online_spending": "no",
    }
    choice = usual.get(item.name, item.choices[0].name)
    return [choice] if item.kind is ItemKind.SELECT_MULTIPLE else choice


def adult(**given: object) -> dict[str, object]:
    return {"birth_year": 1984, **given}


# What every questionnaire must be


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_reading_and_checking_find_nothing(name: str) -> None:
    imported = load_bundle(SEED / "instruments", name)
    assert (*imported.skipped, *imported.warnings, *check_instrument(imported.instrument)) == ()


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_text_is_there_in_both_languages(name: str) -> None:
    missing = [
        where
        for where, labels in texts(instrument(name))
        if set(labels) != {"zh", "en"} or not all(text.strip() for text in labels.values())
    ]
    assert missing == []


def texts(document: Instrument) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield "title", document.title
    for section in document.sections:
        yield section.name, section.title
        for item in section.items:
            optional = (item.hint, item.low_label, item.high_label, item.constraint_message)
            if item.kind is not ItemKind.CALCULATE:
                yield item.name, item.label
            yield from ((item.name, labels) for labels in optional if labels)
            yield from ((f"{item.name}/{choice.name}", choice.label) for choice in item.choices)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_questions_are_short_enough_to_hear_once(name: str) -> None:
    limits = {ItemKind.NOTE: (80, 300)}
    too_long = [
        item.name
        for item in instrument(name).items()
        if item.kind is not ItemKind.CALCULATE
        for zh, en in [limits.get(item.kind, (34, 130))]
        if len(item.label["zh"]) > zh or len(item.label["en"]) > en
    ]
    assert too_long == []


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_page_fits_a_phone(name: str) -> None:
    for section in instrument(name).sections:
        assert sum(item.kind not in SILENT for item in section.items) <= 7, section.name


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_ratings_are_ten_point_scales_with_a_way_out(name: str) -> None:
    for item in instrument(name).items():
        if item.kind is not ItemKind.RATING:
            continue
        assert (item.minimum, item.maximum, item.step) == (1, 10, 1)
        assert item.required
        assert item.low_label
        assert item.high_label
        if item.name != "policy_awareness":
            assert SpecialAnswer.DONT_KNOW in item.specials, item.name


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_constraints_explain_themselves(name: str) -> None:
    for item in instrument(name).items():
        assert bool(item.constraint) == bool(item.constraint_message), item.name


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_consent_is_the_first_question_and_asks_for_no_identity(name: str) -> None:
    first = next(item for item in instrument(name).items() if item.kind not in SILENT)
    assert first.name == "consent"
    assert first.required
    forbidden = {"name", "phone", "address", "id_number", "school"}
    assert not forbidden & set(instrument(name).by_name)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_what_is_private_is_marked_sensitive(name: str) -> None:
    document = instrument(name)
    private = (
        "income", "complaint_", "detriment_", "dispute_", "had_dispute", "elder_scam",
        "elder_health",
    )  # fmt: skip
    for item in document.items():
        if item.kind in SILENT:
            continue
        if item.name.startswith((*private, "child_")) or item.name == "guardian_consent":
            assert item.sensitive, item.name


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_no_of_these_excludes_the_others(name: str) -> None:
    for item in instrument(name).items():
        if item.kind is ItemKind.SELECT_MULTIPLE and "none" in {c.name for c in item.choices}:
            assert item.constraint is not None, item.name
            for chosen, allowed in ((["none"], True), (["none", "other"], False)):
                value = evaluate(parse(item.constraint), {}, chosen, TODAY)
                assert to_boolean(value) is allowed


def test_an_item_shared_by_two_questionnaires_is_the_same_item() -> None:
    variants: dict[str, set[str]] = {}
    for name in INSTRUMENTS:
        for item in instrument(name).items():
            plain = item.model_copy(update={"indicator": None})
            variants.setdefault(item.name, set()).add(plain.model_dump_json())
    assert {name for name, seen in variants.items() if len(seen) > 1} == {
        "overall",  # about children in the supplement answered by guardians
        "birth_year",  # another example year for older people
        "note_purpose",  # says how long the interview takes
    }


# The scored items


@pytest.mark.parametrize(
    ("name", "scored"), [("main-2021", 25), ("main-2023", 27), ("main-2024", 27)]
)
def test_each_third_level_indicator_has_exactly_one_item(name: str, scored: int) -> None:
    document = instrument(name)
    assert document.tree is not None
    codes = Counter(item.indicator for item in document.scored_items)
    assert codes == Counter(list(third_level(document.tree)))
    assert sum(codes.values()) == scored


@pytest.mark.parametrize("role", ["consumer", "trader"])
def test_both_kinds_of_villagers_rate_the_same_and_answer_a_page_of_their_own(role: str) -> None:
    interview = walk("village-2026", birth_year=1970, village_role=role)
    scored = {item.name for item in instrument("village-2026").scored_items}
    assert interview.names >= scored
    assert len(scored) == 10
    pages = {"village_consumer", "village_trader"}
    assert set(interview.page_names) & pages == {f"village_{role}"}
    assert interview.minutes <= 4


def test_the_questionnaire_of_2024_adds_modules_and_changes_no_question() -> None:
    before, after = instrument("main-2023"), instrument("main-2024")
    kept = {name: item for name, item in after.by_name.items() if name in before.by_name}
    differing = {name for name in before.by_name if kept[name] != before.by_name[name]}
    assert differing == {"note_purpose"}, "which says how long it takes"
    added = {item.module for name, item in after.by_name.items() if name not in kept}
    assert added == {"detriment", "green", "service"}
    assert after.scored_items == before.scored_items


def test_both_trees_give_an_item_to_the_indicator_of_the_same_name() -> None:
    by_item = [
        {item.name: third_level(str(doc.tree))[str(item.indicator)] for item in doc.scored_items}
        for doc in map(instrument, MAIN)
    ]
    shared = by_item[0].keys() & by_item[1].keys()
    assert {n: by_item[0][n] for n in shared} == {n: by_item[1][n] for n in shared}
    assert by_item[1].keys() - by_item[0].keys() == {"policy_awareness", "policy_effect"}


@pytest.mark.parametrize("name", ["elderly-2024", "minors-2024"])
def test_supplements_are_not_scored_but_have_an_overall_rating(name: str) -> None:
    assert instrument(name).scored_items == ()
    assert instrument(name).by_name["overall"].kind is ItemKind.RATING
    assert sum(item.kind is ItemKind.RATING for item in instrument(name).items()) >= 9


@pytest.mark.parametrize(("name", "counts"), [("cca-2021", [3, 16, 25]), ("cca-2023", [3, 17, 27])])
def test_every_entry_of_a_tree_says_where_it_comes_from(name: str, counts: list[int]) -> None:
    tree = read_tree(SEED / "trees" / f"{name}.csv")
    assert [len(list(tree.level(level))) for level in (1, 2, 3)] == counts
    for entry in tree.indicators:
        implied = entry.level == 1
        assert entry.weight_status is (Provenance.IMPLIED if implied else Provenance.ASSUMED)
        assert entry.name["zh"]
        assert entry.name["en"]
    unconfirmed = {e.code for e in tree.indicators if e.name_status is Provenance.UNCONFIRMED}
    assert unconfirmed == ({"3.1.1", "3.1.2"} if name == "cca-2023" else set())


# Ways through


@pytest.mark.parametrize(("name", "asked"), [("main-2021", 45), ("main-2023", 47)])
def test_the_usual_main_interview_is_about_six_minutes(name: str, asked: int) -> None:
    interview = walk(name, **adult())
    assert interview.verdict.ending is None
    assert len(interview.asked) == asked
    assert interview.minutes <= 7


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *((name, adult()) for name in ("main-2021", "main-2023", "main-2024")),
        ("elderly-2024", {"birth_year": 1950}),
        ("minors-2024", {"guardian": "yes", "child_age": 10}),
        ("village-2026", {"birth_year": 1970, "village_role": "consumer"}),
        ("village-2026", {"birth_year": 1970, "village_role": "trader"}),
    ],
)
def test_the_first_page_says_how_long_it_takes(name: str, given: dict[str, object]) -> None:
    """Read aloud it takes up to a minute longer; a person reading silently is faster."""
    promise = instrument(name).by_name["note_purpose"].label
    said = {int(re.findall(r"\d+", promise[language])[-1]) for language in ("zh", "en")}
    assert len(said) == 1
    assert 0 <= walk(name, **given).minutes - said.pop() < 1


LONGER_ROUTES = {
    "guardian": adult(guardian="yes", child_age=8, child_online_spending="yes"),
    "dispute": adult(had_dispute="yes"),
    "rural, 64": {"birth_year": 1960, "residence": "rural"},
}


@pytest.mark.parametrize("route", LONGER_ROUTES)
def test_a_longer_route_adds_at_most_a_minute_and_a_half(route: str) -> None:
    assert walk("main-2023", **LONGER_ROUTES[route]).minutes <= 8.5


def test_the_modules_of_2024_add_less_than_a_minute_and_two_after_a_loss() -> None:
    plain, loss = adult(), adult(had_dispute="yes", detriment_money="from200")
    before, after = walk("main-2023", **plain), walk("main-2024", **plain)
    assert after.names - before.names == {
        "green_bought", "green_supply_satisfaction", "green_label_trust", "green_barrier",
        "services_promise_satisfaction", "services_price_satisfaction",
    }  # fmt: skip
    assert after.minutes <= before.minutes + 1
    assert walk("main-2024", **loss).minutes <= before.minutes + 3


DETRIMENT = {"detriment_money", "detriment_recovered", "detriment_time", "detriment_distress"}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"had_dispute": "no"}, set()),
        ({"had_dispute": "dk"}, set()),
        ({"had_dispute": "yes", "detriment_money": "none"}, DETRIMENT - {"detriment_recovered"}),
        ({"had_dispute": "yes", "detriment_money": "dk"}, DETRIMENT - {"detriment_recovered"}),
        ({"had_dispute": "yes", "detriment_money": "ge5000"}, DETRIMENT),
    ],
)
def test_losses_are_asked_after_a_dispute_and_refunds_after_a_loss(
    given: dict[str, object], asked: set[str]
) -> None:
    assert through("main-2024", **adult(**given)).names & DETRIMENT == asked


def test_older_people_are_asked_the_same_about_losses() -> None:
    dispute = {"birth_year": 1950, "had_dispute": "yes", "detriment_money": "from200"}
    assert walk("elderly-2024", birth_year=1950).names & DETRIMENT == set()
    interview = walk("elderly-2024", **dispute)
    assert interview.names >= DETRIMENT
    assert interview.minutes <= 9
    main = instrument("main-2024").by_name
    assert all(instrument("elderly-2024").by_name[name] == main[name] for name in DETRIMENT)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("elderly-2024", {"birth_year": 1950}),
        ("elderly-2024", {"birth_year": 1950, "elder_health_bought": "yes"}),
        ("minors-2024", {"guardian": "yes", "child_age": 10, "child_online_spending": "yes"}),
    ],
)
def test_supplements_are_no_longer_than_the_main_interview(
    name: str, given: dict[str, object]
) -> None:
    interview = walk(name, **given)
    assert interview.verdict.ending is None
    assert interview.minutes <= 7


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_who_declines_is_asked_nothing_more(name: str) -> None:
    interview = walk(name, consent="no")
    assert interview.verdict.ending == "refused"
    assert interview.names == {"consent"}


@pytest.mark.parametrize(
    ("given", "last"),
    [
        (adult(lived_6m="no"), "lived_6m"),
        (adult(offline_purchase="no"), "offline_purchase"),
        ({"birth_year": TODAY.year - 14}, "birth_year"),
        ({"birth_year": TODAY.year - 71}, "birth_year"),
    ],
)
def test_screening_stops_at_the_first_excluding_answer(given: dict[str, object], last: str) -> None:
    interview = walk("main-2023", **given)
    assert interview.verdict.ending == "screened_out"
    assert interview.asked[-1].name == last
    assert interview.page_names[-1] == "screened_out"


@pytest.mark.parametrize("age", [15, 70])
def test_the_youngest_and_oldest_of_the_main_study_are_let_in(age: int) -> None:
    assert walk("main-2023", birth_year=TODAY.year - age).verdict.ending is None


@pytest.mark.parametrize(("age", "ending"), [(59, "screened_out"), (60, None), (104, None)])
def test_the_elderly_supplement_starts_at_60_and_has_no_end(age: int, ending: str | None) -> None:
    assert walk("elderly-2024", birth_year=TODAY.year - age).verdict.ending == ending


@pytest.mark.parametrize("year", range(2020, 2035))
def test_age_is_the_difference_of_years(year: int) -> None:
    calculation = instrument("main-2023").by_name["age"].calculation
    assert calculation is not None
    for day in (date(year, 1, 2), date(year, 7, 1), date(year, 12, 31)):
        assert evaluate(parse(calculation), {"birth_year": 1980}, None, day) == year - 1980


@pytest.mark.parametrize("year", [1899, TODAY.year + 1])
def test_an_impossible_year_of_birth_is_refused(year: int) -> None:
    constraint = instrument("main-2023").by_name["birth_year"].constraint
    assert constraint is not None
    assert not to_boolean(evaluate(parse(constraint), {}, year, TODAY))


CHILD = frozenset(
    item.name
    for name in ("main-2023", "minors-2024")
    for item in instrument(name).items()
    if item.module == "minors"
    and item.kind is not ItemKind.NOTE
    and item.name not in {"guardian", "child_age", "guardian_consent", "overall"}
)


@pytest.mark.parametrize("name", [*MAIN, "minors-2024"])
@pytest.mark.parametrize("age", [0, 7, 13])
def test_under_14_nothing_is_asked_about_the_child_without_consent(name: str, age: int) -> None:
    refused = walk(name, **adult(guardian="yes", child_age=age, guardian_consent="no"))
    agreed = walk(name, **adult(guardian="yes", child_age=age, guardian_consent="yes"))
    assert not refused.names & CHILD
    assert agreed.names & CHILD
    order = [item.name for item in agreed.asked]
    assert order.index("guardian_consent") < min(order.index(n) for n in agreed.names & CHILD)
    assert refused.verdict.ending == ("refused" if name == "minors-2024" else None)


@pytest.mark.parametrize("name", [*MAIN, "minors-2024"])
def test_an_unanswered_gate_stays_shut(name: str) -> None:
    unanswered = through(name, **adult(guardian="yes", child_age=7, guardian_consent=""))
    no_age = through(name, **adult(guardian="yes", child_age=""))
    assert {p.item for p in unanswered.verdict.problems} == {"guardian_consent"}
    assert {p.item for p in no_age.verdict.problems} == {"child_age"}
    assert not (unanswered.names | no_age.names) & CHILD


@pytest.mark.parametrize("name", [*MAIN, "minors-2024"])
@pytest.mark.parametrize("age", [14, 17])
def test_from_14_on_no_consent_of_the_guardian_is_asked(name: str, age: int) -> None:
    interview = walk(name, **adult(guardian="yes", child_age=age))
    assert "guardian_consent" not in interview.names
    assert interview.names & CHILD


def test_only_guardians_are_asked_about_a_child() -> None:
    assert not walk("main-2023", **adult()).names & (CHILD | {"child_age"})
    assert walk("minors-2024", guardian="no").verdict.ending == "screened_out"


FOLLOW_UPS = {
    "dispute_nature",
    "complaint_channel",
    "no_complaint_reason",
    "complaint_solved",
    "complaint_days",
    "complaint_satisfaction",
}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({"had_dispute": "no"}, set()),
        ({"had_dispute": "dk"}, set()),
        (
            {"had_dispute": "yes", "complaint_channel": "none"},
            {"dispute_nature", "complaint_channel", "no_complaint_reason"},
        ),
        ({"had_dispute": "yes", "complaint_channel": ""}, {"dispute_nature", "complaint_channel"}),
        (
            {"had_dispute": "yes", "complaint_channel": "merchant", "complaint_solved": "no"},
            FOLLOW_UPS - {"no_complaint_reason", "complaint_days"},
        ),
        (
            {"had_dispute": "yes", "complaint_channel": "association", "complaint_solved": "yes"},
            FOLLOW_UPS - {"no_complaint_reason"},
        ),
    ],
)
@pytest.mark.parametrize("name", [*MAIN, "elderly-2024"])
def test_complaint_questions_are_asked_on_the_route_only(
    name: str, given: dict[str, object], asked: set[str]
) -> None:
    born = 1950 if name == "elderly-2024" else 1984
    assert through(name, birth_year=born, **given).names & FOLLOW_UPS == asked


@pytest.mark.parametrize(
    ("birth_year", "residence", "pages"),
    [
        (1965, "urban", set()),
        (1964, "urban", {"elder_topics"}),
        (1984, "rural", {"rural_shopping"}),
        (1960, "rural", {"elder_topics", "rural_shopping"}),
    ],
)
def test_older_and_rural_people_get_their_own_page(
    birth_year: int, residence: str, pages: set[str]
) -> None:
    interview = walk("main-2023", birth_year=birth_year, residence=residence)
    assert set(interview.page_names) & {"elder_topics", "rural_shopping"} == pages


@pytest.mark.parametrize(
    ("answered_by", "note_shown"),
    [("self", False), ("assisted", False), ("proxy_child", True), ("proxy_other", True)],
)
def test_a_proxy_is_told_who_you_is(answered_by: str, note_shown: bool) -> None:
    interview = walk("elderly-2024", birth_year=1940, answered_by=answered_by)
    assert interview.asked[1].name == "answered_by"
    assert ("note_proxy" in {item.name for item in interview.shown}) is note_shown


@pytest.mark.parametrize(
    ("given", "satisfaction"),
    [
        ({"services_used": ["dining"]}, {"services_satisfaction"}),
        ({"services_used": ["culture"]}, {"services_satisfaction", "culture_satisfaction"}),
        ({"services_used": ["none"]}, set()),
        ({"services_used": []}, set()),
    ],
)
def test_services_are_rated_by_those_who_used_them(
    given: dict[str, object], satisfaction: set[str]
) -> None:
    rated = {"services_satisfaction", "culture_satisfaction"}
    assert through("main-2023", **adult(**given)).names & rated == satisfaction


# Names that others rely on

TOPICS = {
    "confidence",
    "complaint",
    "detriment",
    "education",
    "elderly",
    "green",
    "minors",
    "rural",
    "service",
    "background",
}

FIXED_CHOICES = {
    "gender": "male female",
    "education": "primary junior senior college bachelor postgraduate",
    "income": "lt3000 from3000 from5000 ge8000",
    "hukou": "local_urban local_rural other_urban other_rural",
    "residence": "urban rural",
    "guardian": "yes no",
    "consent": "yes no",
    "lived_6m": "yes no",
    "offline_purchase": "yes no",
    "answered_by": "self assisted proxy_child proxy_other",
    "guardian_relation": "mother father grandparent other",
    "school_stage": "preschool primary junior senior vocational_other",
}


@pytest.mark.parametrize("item", FIXED_CHOICES)
def test_background_codes_are_the_agreed_ones(item: str) -> None:
    questions = [doc.by_name[item] for doc in map(instrument, INSTRUMENTS) if item in doc.by_name]
    assert questions
    for question in questions:
        assert [choice.name for choice in question.choices] == FIXED_CHOICES[item].split()


def test_measures_refer_to_items_and_choices_that_exist() -> None:
    items = {item.name: item for name in INSTRUMENTS for item in instrument(name).items()}
    for row in measures():
        item, chosen = items[row["item"]], row["choices"].split()
        assert set(chosen) <= {choice.name for choice in item.choices}, row["key"]
        assert bool(chosen) != (item.kind is ItemKind.RATING), row["key"]
        assert not {"dk", "na", "refused"} & set(chosen), row["key"]


def test_measures_are_named_once_in_both_languages() -> None:
    rows = measures()
    keys = [row["key"] for row in rows]
    assert len(keys) == len(set(keys))
    assert not set(keys) & ({"composite"} | third_level("cca-2023").keys())
    for row in rows:
        assert row["topic"] in TOPICS
        assert row["direction"] in {"higher", "lower", "neutral"}
        assert 0 < len(row["name_zh"]) <= 24
        assert 0 < len(row["name_en"]) <= 60


def test_every_unscored_rating_has_a_measure() -> None:
    unscored = {
        item.name
        for name in INSTRUMENTS
        for item in instrument(name).items()
        if item.kind is ItemKind.RATING and item.indicator is None
    }
    assert unscored == {row["item"] for row in measures() if not row["choices"]}
