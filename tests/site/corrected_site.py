"""A published release and its correction, which lifts one city and hides another one."""

import csv
import io
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd

from survey.access.principal import OPERATOR
from survey.release.figures import Figure, find_figure
from survey.release.indicator_weights import build_indicators
from survey.release.publishing_steps import build_key_list, publish_publication
from survey.release.register import plan_publication
from survey.release.signatures import sign_publication
from survey.release.verify import parse_keys
from survey.results.snapshots import CELLS
from survey.settings import Settings
from survey.site.public_site import install_site, plan_current_site
from survey.site.released_archive import ReleasedArchive, read_released_archive
from survey.snapshots.snapshot_files import parquet_bytes
from survey.store.engine import dispose_engines, read_scope, session_scope
from tests.publish.publications.register_steps import (
    KEY,
    REASON,
    WAVE,
    draft,
    files,
    freeze_again,
    pass_audit,
)
from tests.synthetic_results import SEED, read_tree
from tests.work_of import work_of

LIFTED, HIDDEN = "320500", "110000"
SECOND = f"{WAVE}-2"


@dataclass(frozen=True)
class CorrectedSite:
    """Settings of the store, folder of its site, and the figures that were printed before."""

    settings: Settings
    folder: Path
    first: bytes
    release: ReleasedArchive

    def find_first(self, figure: str) -> Figure:
        found = find_figure(self.first, figure)
        assert found is not None
        return found

    @cached_property
    def gone(self) -> set[str]:
        """Ids of the figures that the correction hides."""
        before = {line.split(b",")[0].decode() for line in self.first.splitlines()[1:]}
        return before - {each.id for each in self.release.iter_figures()}


def sum_items(folder: Path) -> None:
    """Make each city's composite the sum of its items, as that of frozen answers is."""
    (path,) = folder.rglob(CELLS)
    cells = pd.read_parquet(path)
    tree = read_tree(SEED / "trees" / "cca-2023.csv")
    shares = read_shares(build_indicators(tree, is_demo=True))
    of_all = (cells["area_level"] == "city") & (cells["group"] == "all")
    items = cells[of_all & cells["indicator"].isin(shares)]
    weights = items["indicator"].astype(str).map(shares).astype(float)
    sums = (items["estimate"] * weights).groupby(items["area"].astype(str)).sum(min_count=1)
    chosen = of_all & (cells["indicator"] == "composite") & ~cells["area"].isin([LIFTED, HIDDEN])
    shift = cells.loc[chosen, "area"].astype(str).map(sums) - cells.loc[chosen, "estimate"]
    for name in ("estimate", "ci_low", "ci_high"):
        cells.loc[chosen, name] += shift
    path.write_bytes(parquet_bytes(cells))


def read_shares(content: bytes) -> dict[str, float]:
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return {row["code"]: float(row["share"]) for row in rows if row["share"]}


def build_corrected_site(published: Path, folder: Path, minute: datetime) -> CorrectedSite:
    """Publish a correction in a copy of the store, and build the site of it."""
    shutil.copytree(published, folder, ignore=shutil.ignore_patterns("site"))
    later = minute + timedelta(days=1)
    settings = Settings(data_dir=folder, demo=True, public_url="https://survey.example")
    first = files(settings)["figures.csv"]
    freeze_again(settings, lifted=LIFTED, hidden=HIDDEN, change=sum_items)
    with session_scope(settings.store_url) as session:
        work = work_of(session, OPERATOR, minute, settings=settings)
        plan_publication(
            work,
            draft=draft(
                public=True,
                embargo_until=later,
                corrects=KEY,
                reason=REASON,
                builders=("figures", "tables", "codebook", "questionnaire"),
            ),
        )
    pass_audit(settings)
    sign_publication(
        settings, principal=OPERATOR, key=SECOND, clock=lambda: minute + timedelta(hours=1)
    )
    with session_scope(settings.store_url) as session:
        publish_publication(work_of(session, OPERATOR, later, settings=settings), key=SECOND)
    with read_scope(settings.store_url) as session:
        plan = plan_current_site(session, settings)
        keys = build_key_list(session, settings)
    site = install_site(settings, plan)
    (archive,) = (folder / "releases").glob(f"{SECOND}-*.zip")
    release = read_released_archive(archive, parse_keys(keys.decode()), later)
    dispose_engines()
    return CorrectedSite(settings, site, first, release)
