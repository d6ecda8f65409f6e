"""Problem lists of the demo: what was done is shown by figures from beside the score as well."""

from pathlib import Path

import pytest

from seed.demo.problems import PROVINCES, RESTS_ON, list_cited_keys
from survey.access.principal import OPERATOR
from survey.frame.city_frame import shipped_cities
from survey.rectification.cited_evidence import find_citable_figure
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import EvidenceKind
from tests.work_of import work_of


@pytest.mark.slow
def test_what_its_problems_cite_is_published_for_every_city_with_a_list(small_demo: Path) -> None:
    settings = Settings(database_url="", data_dir=small_demo)
    cities = [city.code for city in shipped_cities() if city.code.startswith(PROVINCES)]
    with read_scope(settings.store_url) as session:
        keys = [*(key for key, _ in list_cited_keys(session)), RESTS_ON.reference]
        figures = [
            find_citable_figure(work_of(session, OPERATOR), city_code=city, key=key)
            for city in cities
            for key in keys
        ]
    assert len(cities) == 10
    assert all(figure is not None and figure.is_demo for figure in figures)
    assert {figure.kind for figure in figures if figure is not None} == {
        EvidenceKind.COMPLAINTS,
        EvidenceKind.EXPERIENCE_CHECK,
        EvidenceKind.COMPARATIVE_TEST,
    }
