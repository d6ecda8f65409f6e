"""A wave of some cities is called by these, never the nation, in every text of its results."""

import re
from collections.abc import Iterator

import pytest

from survey.access.principal import OPERATOR
from survey.access.roles import NATION
from survey.figures.tables.published_tables import build_records, build_tables
from survey.figures.views.city import build_city_profile
from survey.figures.views.display_names import translator_of_cities
from survey.figures.views.overview import OverviewFilters, build_overview
from survey.figures.views.view_context import ViewContext
from survey.frame.city_frame import shipped_cities
from survey.reports.contents import ReportKind
from survey.reports.report_builder import build_report
from survey.reports.rule_check import read_rules
from survey.reports.scope import ReportScope
from survey.results import WaveResults, open_results
from survey.results.freeze import freeze_frame
from survey.snapshots.response_frame import build_response_frame
from survey.store.engine import dispose_engines, session_scope
from survey.store.tables import now
from tests.small_waves import person, small_instrument, small_tree, small_wave
from tests.work_of import work_of

CITIES = ("110000", "310000", "320500")
NATIONWIDE = re.compile(r"全国|\bnation\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def three_cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveResults]:
    instrument = small_instrument(few_groups=True)
    wave = small_wave(tmp_path_factory.mktemp("three"), instrument=instrument, tree=small_tree())
    people = [
        person(number, CITIES[number % 3], psu=f"p{number % 12}", residence=None, guardian=None)
        for number in range(240)
    ]
    with session_scope(wave.settings.store_url) as session:
        frame = build_response_frame(people, instrument)
        freeze_frame(
            work_of(session, OPERATOR, now(), settings=wave.settings),
            wave=wave.read(session),
            frame=frame,
        )
    with session_scope(wave.settings.store_url) as session:
        yield open_results(wave.settings, session, wave.key)
    dispose_engines()


@pytest.mark.parametrize(("language", "name"), [("zh", "三市合计"), ("en", "he three cities")])
@pytest.mark.parametrize("kind", [ReportKind.NATION, ReportKind.CITY])
def test_reports_call_it_by_its_cities(
    three_cities: WaveResults, language: str, name: str, kind: ReportKind
) -> None:
    made = build_report(
        ReportScope(
            kind,
            NATION if kind is ReportKind.NATION else CITIES[0],
            ViewContext(three_cities, OPERATOR, language),
            (),
            read_rules(),
        )
    )
    texts = [made.title, made.area, *made.sentences()]
    for table in made.tables():
        texts += [table.title, *(column.head for column in table.columns)]
        texts += [cell for row in table.rows for cell in row]
    said = "\n".join(texts)
    assert not [text for text in said.splitlines() if NATIONWIDE.search(text)]
    assert name in said


@pytest.mark.parametrize(("language", "name"), [("zh", "三市合计"), ("en", "he three cities")])
def test_pages_and_files_call_it_by_its_cities(
    three_cities: WaveResults, language: str, name: str
) -> None:
    context = ViewContext(three_cities, OPERATOR, language)
    overview = build_overview(context, filters=OverviewFilters())
    city = build_city_profile(context, city=CITIES[0])
    said = "\n".join([*overview.sentences, overview.counted, *city.sentences])
    said += str(overview.city_map.text) + overview.city_map.title
    tables = build_tables(ViewContext(three_cities, OPERATOR, language))
    said += "\n".join([table.title for table in tables])
    cells = three_cities.cells(OPERATOR, area_level="nation", group="all", indicator="composite")
    (record,) = build_records(three_cities, cells, language, with_origin=False)
    said += str(record["area_name"])
    assert not [text for text in said.splitlines() if NATIONWIDE.search(text)]
    assert name in said


def test_words_of_the_questionnaire_are_left_as_they_are() -> None:
    t = translator_of_cities("en", 2)
    assert t("{indicator} by city", indicator="Trust in the nation") == (
        "Trust in the nation by city"
    )
    assert t("Nation") == "The two cities together"


def test_a_wave_of_all_cities_is_the_nation() -> None:
    whole = len(shipped_cities())
    assert translator_of_cities("en", whole)("Nation") == "Nation"
    assert translator_of_cities("en", whole - 1)("Nation") == f"The {whole - 1} cities together"
