"""From evidence to action in a city: only what is released, named in full or not at all."""

from dataclasses import replace
from pathlib import Path

from sqlmodel import Session

from survey.access.roles import NATION, Role
from survey.comparative_tests.reading import get_comparative_test
from survey.comparative_tests.released_grades import sign_comparative_test
from survey.education.registers import ACTIVITIES, add_entry
from survey.evidence_city.city_action import CityAction, build_action_parts, read_city_action
from survey.figures.views.view_context import ViewContext
from survey.results import WaveResults
from survey.store.engine import read_scope
from survey.store.tables import ComparativeTestState, VenueCheck
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests import small_test
from tests.context.consumer_education.test_education_register import TALK
from tests.context.experience_checks import small_check
from tests.context.experience_checks.small_check import START, SUZHOU
from tests.work_of import work_of

LATER = small_test.START.replace(year=2027)


def read(url: str, person: object, city: str = SUZHOU) -> CityAction:
    with read_scope(url) as session:
        return read_city_action(work_of(session, person, LATER), city=city, year=2026)


def test_a_check_is_there_once_released_and_few_venues_stay_words(
    sqlite_url: str, tmp_path: Path, frozen: dict[str, WaveResults]
) -> None:
    check = small_check.start(sqlite_url, tmp_path / "photos")
    observer = check.read().venues[0].observers[0]
    venue = next(each for each in check.venues(observer) if each.city_code == SUZHOU)
    check.approve(check.visit(observer, venue.id, receipt=0).response_id)
    assert read(sqlite_url, check.official).is_empty, "visits that nobody was heard about yet"

    def release(session: Session) -> None:
        session.get_one(VenueCheck, check.id).released_at = START

    run_in_transaction(sqlite_url, release)
    action = read(sqlite_url, check.official)
    assert [(each.area, each.worst) for each in action.checks] == [(NATION, ())]
    assert read(sqlite_url, check.official, "110000").is_empty, "it has no venue there"
    context = ViewContext(frozen["main-2024"], check.official, "en")
    (part,) = build_action_parts(action, SUZHOU, context)
    assert part.sentences == ("Restaurants and markets: the mean of this city is kept back.",)
    assert not any(character.isdigit() for row in part.tables[0][1][1] for character in row[3])


def test_a_test_is_there_once_released_and_names_all_that_fail_or_none(
    sqlite_url: str, frozen: dict[str, WaveResults]
) -> None:
    lin = small_test.employ(sqlite_url, Role.NATIONAL_OFFICIAL)
    values = [
        small_test.value(code, key, "0.90" if key == "leakage" else number)
        for code, numbers in small_test.VALUES.items()
        for key, number in zip(("leakage", "cooking", "energy"), numbers, strict=True)
    ]
    test = small_test.start(sqlite_url, lin, ComparativeTestState.MAKERS_HEARD, values)
    assert read(sqlite_url, lin).is_empty, "its makers are heard, and nobody has signed"
    test.change(sign_comparative_test, lin, two_people=False)
    city = small_test.employ(sqlite_url, Role.CITY_OFFICIAL, SUZHOU)
    action, context = read(sqlite_url, city), ViewContext(frozen["main-2024"], city, "en")
    (part,) = build_action_parts(action, SUZHOU, context)
    assert part.sentences == (
        "Rice cookers: 3 of 3 samples do not conform to a limit: Brand S01 M1; Brand S02 M1; "
        "Brand S03 M1.",
    )
    assert [row[1:4] for row in part.tables[0][1][1][1:]] == [
        (f"Brand {code} M1", "leakage current (mA)", "0.90 ± 0.02") for code in small_test.CODES
    ]
    with read_scope(sqlite_url) as session:
        read_again = get_comparative_test(work_of(session, city, LATER), test_id=test.id)
    many = replace(read_again, samples=tuple(
        replace(each, data=each.data.of(each.data, code=f"{each.data.code}-{number}"))
        for number in range(4) for each in read_again.samples
    ))  # fmt: skip
    (part,) = build_action_parts(CityAction(tests=(many,)), SUZHOU, context)
    assert part.sentences[0].startswith("Rice cookers: 12 of 12 samples do not conform")
    assert "Brand" not in "".join(cell for row in part.tables[0][1][1] for cell in row)


def test_education_is_of_the_city_and_the_year(
    sqlite_url: str, frozen: dict[str, WaveResults]
) -> None:
    official = small_test.employ(sqlite_url, Role.CITY_OFFICIAL, SUZHOU)
    run_in_transaction(
        sqlite_url,
        lambda session: add_entry(
            work_of(session, official, LATER), register=ACTIVITIES, data=TALK
        ),
    )
    assert read(sqlite_url, official, "320200").is_empty
    context = ViewContext(frozen["main-2024"], official, "en")
    (part,) = build_action_parts(read(sqlite_url, official), SUZHOU, context)
    reached, n = part.tables[0][1][1][0][1:4:2]
    assert f"{reached} were reached" in part.sentences[0]
    assert f"n = {n}" in part.sentences[0]
    assert "80 participants" in part.sentences[1]
