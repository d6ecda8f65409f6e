"""Complaints of two years, an experience check and opinion of one city, beside its score."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.comparative_tests.released_grades import sign_comparative_test
from survey.counts.deliveries import import_delivery
from survey.education.registers import ACTIVITIES, add_entry
from survey.evidence_city.city_action import CheckOfCity, ItemOfCheck, read_city_action
from survey.evidence_city.outside_city import OutsideEvidence, read_outside_evidence
from survey.experience_checks.reading import MeanScore
from survey.figures.views.check_figures import ALL_TYPES, CheckScores
from survey.store.engine import read_scope
from survey.store.tables import ComparativeTestState
from survey.store.tables.registers import ActivityData
from survey.store.transactions import run_in_transaction
from tests.context.comparative_tests.small_test import employ, start
from tests.context.complaints.count_files import check_file, count_file, head, rows_of
from tests.context.consumer_education.test_education_register import TALK
from tests.context.opinion.opinion_rows import check, many_days
from tests.context.opinion.opinion_rows import head as opinion_head
from tests.work_of import work_of

CITY = "320500"
NOW = datetime(2026, 1, 5, tzinfo=UTC)
PEAK = date(2024, 11, 11)


def deliver_evidence(url: str) -> None:
    """Store two years of complaints, and opinion with a peak of one day."""
    for year, counts in ((2023, (200, 90, 41)), (2024, (1_234, 67, 33))):
        rows = [
            *rows_of(f"{year}-05", CITY, counts),
            *rows_of(f"{year}-05", "110000", (500, 300, 90)),
        ]
        run_in_transaction(
            url,
            lambda session, rows=rows, year=year: import_delivery(
                work_of(session, OPERATOR, NOW),
                check=check_file(count_file(*rows)),
                head=head(f"c-{year}", day=date(year + 1, 1, 3)),
            ),
        )
    days = [*many_days(PEAK - timedelta(30), [31 + n % 4 for n in range(30)], area=CITY, whole=210),
            *many_days(PEAK, [57], area=CITY, whole=789),
            *many_days(PEAK + timedelta(1), [33 + n % 3 for n in range(30)], area=CITY, whole=212),
            *many_days(PEAK - timedelta(30), [60] * 61)]  # fmt: skip
    run_in_transaction(
        url,
        lambda session: import_delivery(
            work_of(session, OPERATOR, NOW), check=check(*days), head=opinion_head()
        ),
    )


def small_evidence(url: str, principal: Principal = OPERATOR) -> OutsideEvidence:
    """Return what a reader sees beside the score of the city, with a check besides."""
    deliver_evidence(url)
    with read_scope(url) as session:
        read = read_outside_evidence(work_of(session, principal, NOW), city=CITY, wave_year=2024)
    scores = {
        (NATION, ALL_TYPES): MeanScore(71.4, 68.2, 74.6, 36),
        (CITY, ALL_TYPES): MeanScore(69.3, 64.1, 74.5, 12),
        (CITY, "mall"): None,
    }
    released = CheckOfCity(
        {"zh": "商场体察", "en": "Malls"}, "malls", CheckScores(scores, None, None),
        date(2024, 9, 30), is_demo=False, area=CITY,
        worst=(ItemOfCheck({"zh": "明码标价", "en": "Prices"}, MeanScore(41.7, 22, 61, 12), 5),),
    )  # fmt: skip
    store_action(url)
    with read_scope(url) as session:
        action = read_city_action(work_of(session, principal, NOW), city=CITY, year=2024)
    return OutsideEvidence(
        read.city, read.year, read.before, replace(action, checks=(released,)), read.opinion
    )


def store_action(url: str) -> None:
    """Store a released test with a cooker that fails, and an activity of the city in 2024."""
    person = employ(url, Role.NATIONAL_OFFICIAL)
    test = start(url, person, ComparativeTestState.MAKERS_HEARD)
    test.change(sign_comparative_test, person, two_people=False)
    talk = ActivityData.of(TALK, held_on=date(2024, 4, 1))
    run_in_transaction(
        url,
        lambda session: add_entry(work_of(session, person, NOW), register=ACTIVITIES, data=talk),
    )
