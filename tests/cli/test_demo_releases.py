"""Public releases of the demonstration: signed and published like any other, or not at all."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.cli import demo_releases
from survey.cli.demo_data import publish_stored_waves
from survey.cli.demo_releases import publish_demo_wave
from survey.release.public_releases import list_public_releases
from survey.settings import Settings
from survey.store.engine import read_scope
from survey.store.tables import Publication
from tests.publish.publications.conftest import FEW_GROUPS
from tests.publish.publications.register_steps import WAVE, pass_audit
from tests.synthetic_results import synthetic_store
from tests.work_of import work_of


@pytest.mark.slow
def test_a_demo_wave_is_public_once_its_audit_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_releases, "_FILES", ("figures",))
    demo = Settings(data_dir=tmp_path / "data", demo=True)
    synthetic_store(demo, plans=(FEW_GROUPS,), measures_a_topic=1)
    assert not publish_demo_wave(demo, WAVE)
    pass_audit(demo)
    publish_stored_waves((demo, (WAVE,)))
    [site] = demo.site_dir.iterdir()
    assert (site / "index.html").is_file(), "no visitor waits for the site to be built"
    with read_scope(demo.store_url) as session:
        publication = session.exec(select(Publication)).one()
        assert publication.published_at is not None
        at = publication.published_at + timedelta(seconds=1)
        work = work_of(session, OPERATOR, at, settings=demo)
        assert [each.key for each in list_public_releases(work)] == [publication.key]
