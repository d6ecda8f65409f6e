"""Attack on files of rows with the tables of their wave: `python -m benchmarks.attacks rows`.

Of each wave of SURVEY_DATA_DIR files are made as an export makes them, and every question of every
city with a blanked answer is attacked by HiGHS for some steps (about twenty a second), with all
that could be published and knowing how the file was made. The last lines say, for each wave and
question, how many answers are blanked, proved, settled and guessed right:

- by the search;
- by counts: the label with most people left when those that a file shows are taken off the
  published counts, of the city or, where it has none, of the wave;
- by the true composition of the blanks of the city, which nobody knows: as often as any guess can
  be right that does not tell the rows of a city apart;
- by a model of the visible labels and answers of other rows (linear discriminant), which knows the
  counts too, and by the same without the answers: what the visible labels tell anybody. `owner`
  says how often the model tells the label of whoever gave the answers, whose row is not known.

Differences are in points, with the upper end of their 95 % interval (cities are the clusters).
`--whole` attacks files as they were made before: everybody, with their own answers.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlmodel import Session

from benchmarks.arguments import parse_arguments
from survey.estimate.design import encode
from survey.files.microdata.deidentify import DeidentifiedRows, deidentify
from survey.files.microdata.export import final_snapshot
from survey.files.microdata.row_attack import Floats, attack_labels, build_puzzle
from survey.files.microdata.rows_in_parts import sample_rows, weight_margins
from survey.results.wave_parts import WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope
from survey.waves.waves import get_wave

WAVES = ("main-2024", "minors-2024", "elderly-2024", "village-2026")
COLUMNS = (
    "blanked", "proved", "settled", "right", "right by counts", "right by composition",
    "right by model", "right without answers", "owner",
)  # fmt: skip
PAIRS = (("right", "right by counts"), ("right by model", "right without answers"))
"""Guesses with rows and tables, and those they must not be better than."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Attack files of rows with published tables.")
    parser.add_argument("waves", nargs="*", default=WAVES)
    parser.add_argument("--steps", type=int, default=200, help="for a question of a city")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--cities", type=int, default=100)
    parser.add_argument("--whole", action="store_true", help="everybody, with their own answers")
    given = parse_arguments(parser, waves=["main-2024"], seconds=1.0, cities=1)
    settings = current_settings()
    for key in given.waves:
        with read_scope(settings.store_url) as session:
            data, seed = _load(settings, session, key)
        found = pd.DataFrame(
            [
                row
                for draw in range(given.draws)
                for row in attack_file(
                    data,
                    make_whole_file(data) if given.whole else make_file(data, f"{seed}{draw}"),
                    given.steps,
                    given.cities,
                )
            ],
            columns=["question", "city", *COLUMNS],
        )
        print(f"\n{key}: {len(data.people)} interviews")
        print(summarise(found).to_string(), flush=True)


def summarise(found: pd.DataFrame) -> pd.DataFrame:
    """Return sums and differences by question, and of all together."""
    table = found.groupby("question")[list(COLUMNS)].sum()
    table.loc["all"] = table.sum()
    for better, usual in PAIRS:
        limits = {
            name: compare_guesses(found if name == "all" else found[found["question"] == name],
                                  better, usual)
            for name in table.index
        }  # fmt: skip
        table[f"{better}: points"] = [round(limits[name][0], 1) for name in table.index]
        table["up to"] = [round(limits[name][1], 1) for name in table.index]
        table = table.rename(columns={"up to": f"{better}: up to"})
    return table


def compare_guesses(found: pd.DataFrame, better: str, usual: str) -> tuple[float, float]:
    """Return by how many points one guess is right oftener, and the end of the 95 % interval."""
    by_city = found.assign(gain=found[better] - found[usual]).groupby("city")
    gain, size = by_city["gain"].sum(), by_city["blanked"].sum()
    difference = gain.sum() / size.sum()
    count = len(size)
    spread = ((gain - difference * size) ** 2).sum() * count / max(1, count - 1)
    return 100 * difference, 100 * (difference + 1.96 * spread**0.5 / size.sum())


def _load(settings: Settings, session: Session, key: str) -> tuple[WaveData, str]:
    wave = get_wave(session=session, key=key)
    folder = settings.snapshot_dir / final_snapshot(session, wave).directory
    return load_wave_data(session, wave, folder), str(wave.id)


def make_file(data: WaveData, seed: str) -> DeidentifiedRows:
    """Return the first draw of an ordinary file."""
    attempts = dict.fromkeys(data.people["city_code"].astype(str).unique(), 0)
    rows, sample = sample_rows(data, data.people, seed, attempts)
    return deidentify(
        rows, data.instrument, _keep_name, margins=weight_margins(data), sample=sample
    )


def make_whole_file(data: WaveData) -> DeidentifiedRows:
    """Return a file as it was made before: everybody is in it, with their own answers."""
    names = make_file(data, "").blanks
    made = deidentify(data.people, data.instrument, _keep_name, margins=weight_margins(data))
    kept = made.kept
    true = data.people.set_index("response_id").loc[kept["response_id"]].reset_index()
    return replace(
        made,
        circles=np.full(len(kept), -1),
        blanks={name: (kept[name].isna() & true[name].notna()).to_numpy() for name in names},
        true_labels={name: true[name] for name in names},
    )


def _keep_name(_kind: str, true_name: str) -> str:
    return true_name


def attack_file(
    data: WaveData, made: DeidentifiedRows, steps: int, cities: int = 100
) -> Iterator[tuple[str, str, *tuple[int, ...]]]:
    """Yield question, city and what an attack on them found, as `COLUMNS`."""
    place = made.kept["city_code"].astype(str).to_numpy()
    for name, blank in made.blanks.items():
        if not blank.any():
            continue
        model = LabelModel(data, made, name)
        for city in np.unique(place[blank]).tolist()[:cities]:
            people = data.people[data.people["city_code"].astype(str) == city]
            puzzle = build_puzzle(data, people, made, name, city)
            result = attack_labels(puzzle, steps)
            true = made.true_labels[name][place == city].dropna().astype(str)
            labels = [str(label) for label in encode(people.loc[people[name].notna(), name])[1]]
            codes = pd.Index(labels).get_indexer(true)[puzzle.blanked]
            is_right = result.guesses == codes
            assert is_right[result.proved].all(), f"{name} in {city}: a proof of what is not so"
            prior = dict(zip(labels, puzzle.shares, strict=True))
            rows = np.flatnonzero((place == city) & blank)
            yield (
                name, city, len(codes), int(result.proved.sum()), int(result.settled.sum()),
                int(is_right.sum()), int((codes == puzzle.shares.argmax()).sum()),
                int(np.bincount(codes).max()), *model.count_right(rows, prior),
            )  # fmt: skip


class LabelModel:
    """Prediction of one label from what else rows say, learnt from those that show it."""

    def __init__(self, data: WaveData, made: DeidentifiedRows, name: str) -> None:
        kept, people = made.kept, data.people
        self._true = made.true_labels[name].astype("string").fillna("").to_numpy(dtype=object)
        items = [item for item in data.plan.tree.item_columns if item in kept]
        answers = _standardise(kept, items)
        shown = kept[name].notna().to_numpy()
        others = [other for other in made.blanks if other != name]
        features = pd.get_dummies(kept[others].astype("string").fillna("")).to_numpy(dtype=float)
        self._without = _Discriminant(features, self._true, shown)
        self._with = _Discriminant(np.hstack([features, answers]), self._true, shown)
        # Who gave the answers of a row: the row of the file with the true ones.
        own = _standardise(people.set_index("response_id").loc[kept["response_id"]], items)
        self._owner = _Discriminant(answers, self._true, shown)
        self._own = own

    def count_right(self, rows: NDArray[np.int64], prior: dict[str, float]) -> tuple[int, int, int]:
        """Count right guesses: with answers, without, and of the owner of the own answers."""
        true = self._true[rows]
        return (
            int((self._with.guess(rows, prior) == true).sum()),
            int((self._without.guess(rows, prior) == true).sum()),
            int((self._owner.guess(rows, prior, self._own) == true).sum()),
        )


class _Discriminant:
    """Linear discriminant of labels with shrunk means, and priors that are given."""

    def __init__(self, x: Floats, labels: NDArray[np.object_], shown: NDArray[np.bool_]) -> None:
        self._x = x
        center, width = x[shown].mean(axis=0), x.shape[1]
        inverse = np.linalg.inv(np.cov(x[shown].T).reshape(width, width) + 0.3 * np.eye(width))
        self._center, self._slopes, self._levels = center, {}, {}
        for label in sorted(set(labels[shown])):
            mine = x[shown & (labels == label)] - center
            mean = mine.sum(axis=0) / (len(mine) + 10)
            self._slopes[label] = inverse @ mean
            self._levels[label] = 0.5 * float(mean @ inverse @ mean)

    def guess(
        self, rows: NDArray[np.int64], prior: dict[str, float], x: Floats | None = None
    ) -> NDArray[np.object_]:
        values = (self._x if x is None else x)[rows] - self._center
        names = list(prior)
        scores = np.column_stack(
            [
                np.log(prior[label])
                + values @ self._slopes.get(label, np.zeros(values.shape[1]))
                - self._levels.get(label, 0.0)
                for label in names
            ]
        )
        guessed: NDArray[np.object_] = np.array(names, dtype=object)[scores.argmax(axis=1)]
        return guessed


def _standardise(rows: pd.DataFrame, items: list[str]) -> Floats:
    """Return answers less the mean of their city, in standard deviations; 0 where there is none."""
    values = rows[items].to_numpy(dtype=float, na_value=np.nan)
    values[values < 0] = np.nan
    table = pd.DataFrame(values)
    table -= table.groupby(rows["city_code"].astype(str).to_numpy()).transform("mean")
    return (table / table.std().replace(0.0, 1.0)).fillna(0.0).to_numpy()
