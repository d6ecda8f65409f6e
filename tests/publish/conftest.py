"""Made-up frozen waves to build views from."""

import pytest
from synthetic_results import synthetic_store

from survey.publish.results import WaveResults, list_waves, open_results
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WaveResults]:
    """Results by wave key."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("views"), database_url="")
    synthetic_store(settings, measures_a_topic=2)
    with read_scope(settings.store_url) as session:
        waves = list_waves(settings, session)
        results = {wave.key: open_results(settings, session, wave.key) for wave in waves}
    dispose_engines()
    return results
