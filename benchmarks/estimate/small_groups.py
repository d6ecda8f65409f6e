"""Small groups by city beside the truth of a demo wave: direct figures, model figures, grades.

    python -m benchmarks.estimate.small_groups [--size 1]

Builds and freezes main-2024, takes the published table of small groups as it is, and compares it
with the true scores that the generator knows: root mean square error of the direct and of the
model figures, what the model's MSE claims, how often its 95 % intervals hold the truth, and the
error of the direct figures by their grade.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from survey.access.principal import OPERATOR
from survey.results.freeze import freeze_wave
from survey.results.snapshots import SMALL_AREAS
from survey.settings import PROJECT_ROOT, Settings
from survey.snapshots.snapshot_files import FreezeOptions

sys.path.insert(0, str(PROJECT_ROOT))
WAVE = "main-2024"
KEYS = ["area_level", "area", "group", "indicator"]


def build_published_table(size: float) -> pd.DataFrame:
    """The table of small groups with the true score of every row, `value`."""
    from seed.demo import build

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), database_url="")
        build(settings.store_url, waves=[WAVE], size=size, truth_dir=Path(folder))
        freeze_wave(settings, wave_key=WAVE, actor=OPERATOR, options=FreezeOptions(final=True))
        truth = pd.read_parquet(Path(folder) / f"truth-{WAVE}.parquet")
        # From the file: the mean squared error does not leave the results.
        (path,) = settings.snapshot_dir.rglob(SMALL_AREAS)
        table = pd.read_parquet(path)
    for key in KEYS:
        table[key], truth[key] = table[key].astype(str), truth[key].astype(str)
    return table.merge(truth, on=KEYS)


def rms(values: pd.Series) -> float:
    return float(np.sqrt((values**2).mean()))


def print_coverage(table: pd.DataFrame) -> None:
    print(f"{'group':<22} {'rows':>5} {'direct':>7} {'model':>6} {'claimed':>8} {'held':>7}")
    both = table[table["estimate"].notna() & table["model"].notna()]
    for group, rows in both.groupby("group"):
        held = (rows["model_low"] <= rows["value"]) & (rows["value"] <= rows["model_high"])
        direct, model = (rms(rows[column] - rows["value"]) for column in ("estimate", "model"))
        claimed = float(np.sqrt(rows["mse"].mean()))
        errors = f"{direct:7.2f} {model:6.2f} {claimed:8.2f}"
        print(f"{group:<22} {len(rows):>5} {errors} {held.mean():7.1%}")
    for grade, rows in table[table["estimate"].notna()].groupby("grade", observed=True):
        print(f"grade {grade}: {rms(rows['estimate'] - rows['value']):.2f} ({len(rows)} figures)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=float, default=1.0)
    print_coverage(build_published_table(parser.parse_args().size))
