"""Attack on files of rows with the tables of their wave: `python -m benchmarks.attacks.rows`.

Of each wave of SURVEY_DATA_DIR a file is made as an export makes it, and every question of every
city with a blanked answer is attacked by HiGHS for some seconds, with all that could be published
and knowing how the file was made. The last lines say, for each wave and question, how many answers
are blanked, proved, settled and guessed right, and how many are guessed right from counts alone.
`--whole` attacks files as they were made before: everybody, with their own answers.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from sqlmodel import Session

from survey.estimate.design import encode
from survey.fieldwork.waves import get_wave
from survey.publish.microdata.deidentify import DeidentifiedRows, deidentify
from survey.publish.microdata.export import final_snapshot
from survey.publish.microdata.row_attack import attack_labels
from survey.publish.microdata.row_check import build_puzzle
from survey.publish.microdata.rows_in_parts import sample_rows, weight_margins
from survey.results.wave_data import WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.settings import Settings, current_settings
from survey.store.engine import read_scope

WAVES = ("main-2024", "minors-2024", "elderly-2024", "village-2026")
COLUMNS = ("blanked", "proved", "settled", "right", "right by counts")


def main() -> None:
    parser = argparse.ArgumentParser(description="Attack files of rows with published tables.")
    parser.add_argument("waves", nargs="*", default=WAVES)
    parser.add_argument("--seconds", type=float, default=10.0, help="for a question of a city")
    parser.add_argument("--cities", type=int, default=100)
    parser.add_argument("--whole", action="store_true", help="everybody, with their own answers")
    given = parser.parse_args()
    settings = current_settings()
    for key in given.waves:
        with read_scope(settings.store_url) as session:
            data, seed = _load(settings, session, key)
        made = make_whole_file(data) if given.whole else make_file(data, seed)
        found = pd.DataFrame(
            attack_file(data, made, given.seconds, given.cities),
            columns=["question", "city", *COLUMNS],
        )
        print(f"\n{key}: {len(made.kept)} rows of {len(data.people)}")
        print(found.groupby("question")[list(COLUMNS)].sum().to_string(), flush=True)


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
    data: WaveData, made: DeidentifiedRows, seconds: float, cities: int = 100
) -> Iterator[tuple[str, str, int, int, int, int, int]]:
    """Yield question, city and what an attack on them found, as `COLUMNS`."""
    place = made.kept["city_code"].astype(str).to_numpy()
    for name, blank in made.blanks.items():
        for city in np.unique(place[blank]).tolist()[:cities]:
            people = data.people[data.people["city_code"].astype(str) == city]
            puzzle = build_puzzle(data, people, made, name, city)
            result = attack_labels(puzzle, seconds)
            true = made.true_labels[name][place == city].dropna().astype(str)
            _, labels = encode(people.loc[people[name].notna(), name])
            codes = pd.Index([str(label) for label in labels]).get_indexer(true)[puzzle.blanked]
            is_right = result.guesses == codes
            assert is_right[result.proved].all(), f"{name} in {city}: a proof of what is not so"
            by_counts = int((codes == puzzle.shares.argmax()).sum())
            yield (
                name, city, len(codes), int(result.proved.sum()), int(result.settled.sum()),
                int(is_right.sum()), by_counts,
            )  # fmt: skip
