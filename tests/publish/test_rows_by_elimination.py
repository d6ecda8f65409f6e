"""Blanked background answers: the choices that a city lacks in the file tell no answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlmodel import select

from survey.files.microdata.deidentify import DeidentifiedRows, deidentify
from survey.files.microdata.headline_deviation import compare_headlines
from survey.files.microdata.pseudonyms import Pseudonyms
from survey.files.microdata.released_rows import MIN_CLASS_SIZE
from survey.files.microdata.rows_in_parts import AreaParts, release_rows, weight_margins
from survey.questionnaire.model import Choice, Instrument, Item, ItemKind, Language, Section
from survey.results.wave_parts import LoadedPart, WaveData
from survey.results.wave_snapshots import load_wave_data
from survey.settings import Settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import Snapshot
from survey.waves.waves import get_wave

NAME = Pseudonyms("ab" * 32)
CHOICES = ("low", "middle", "high", "top")
CITIES = ("110000", "320500")
Counts = list[list[int]]
"""For each city the rows of every choice, and of no answer."""


def form() -> Instrument:
    label = {"en": "x"}
    return Instrument(
        name="f",
        version="1",
        title=label,
        default_language="en",
        languages=(Language(code="en", name="English"),),
        sections=(
            Section(
                name="who",
                items=(
                    Item(
                        name="income",
                        kind=ItemKind.SELECT_ONE,
                        choices=tuple(Choice(name=name, label=label) for name in CHOICES),
                    ),
                ),
            ),
            Section(
                name="rich",
                relevant="selected(${income}, 'top')",
                items=(Item(name="yacht", kind=ItemKind.RATING, minimum=1, maximum=10),),
            ),
            Section(name="all", items=(Item(name="trust", kind=ItemKind.RATING),)),
        ),
    )


def people_of(counts: Counts, categories: tuple[str, ...] = CHOICES) -> pd.DataFrame:
    """Interviews of one weight; whoever gave the last choice was asked one question more."""
    rows = [
        (city, answer)
        for city, sizes in zip(CITIES, counts, strict=True)
        for answer, size in zip((*CHOICES, None), sizes, strict=True)
        for _ in range(size)
    ]
    table = pd.DataFrame(rows, columns=["city_code", "income"])
    return table.assign(
        response_id=[f"{city}-{row}" for row, city in enumerate(table["city_code"])],
        stratum_key=table["city_code"] + ":urban",
        weight=1.0,
        psu="p1",
        submitted_at=pd.Timestamp("2024-10-01", tz="UTC"),
        yacht=np.where(table["income"] == "top", 7, -4).astype(np.int8),
        income=table["income"].astype(pd.CategoricalDtype(list(categories))),
    )


def told_by_elimination(
    kept: pd.DataFrame, true: pd.DataFrame, name: str, choices: frozenset[str]
) -> list[tuple[str, str]]:
    """Return city and choice where blanked answers can be of one choice only."""
    told = []
    for city, rows in kept.groupby(kept["city_code"].astype(str)):
        given = true.loc[rows.index, name]
        blanked = rows[name].isna() & given.notna()
        lacking = choices - set(rows[name].dropna().astype(str))
        # Somebody may also know which choices nobody in the city has.
        possible = lacking & set(given.dropna().astype(str))
        if blanked.any() and rows[name].notna().any() and len(possible) < 2:
            told.append((str(city), name))
    return told


def smallest_blank(kept: pd.DataFrame, true: pd.DataFrame, name: str) -> int:
    """Fewest blanked rows of a city that has answers to the question left in the file."""
    sizes = []
    for _, rows in kept.groupby(kept["city_code"].astype(str)):
        blanked = int((rows[name].isna() & true.loc[rows.index, name].notna()).sum())
        if blanked and rows[name].notna().any():
            sizes.append(blanked)
    return min(sizes, default=MIN_CLASS_SIZE)


def file_of(people: pd.DataFrame) -> DeidentifiedRows:
    return deidentify(people, form(), NAME)


def left_in(made: DeidentifiedRows, city: str) -> set[str]:
    rows = made.table[made.table["city_code"] == city]
    return set(rows["income"].dropna().astype(str))


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ([9, 8, 7, 1, 0], {"low", "middle"}),  # one rare choice, and one person
        ([9, 8, 4, 0, 6], {"low"}),  # gaps and a choice of nobody hide nothing
        ([9, 8, 2, 2, 0], {"low"}),  # two choices, but four rows
        ([9, 8, 2, 3, 0], {"low", "middle"}),  # enough as they are
        ([9, 9, 9, 2, 0], {"middle", "high"}),  # of equal counts the first goes
        ([9, 3, 0, 0, 0], set()),  # nothing else is left to hide it
        ([9, 8, 7, 5, 2], set(CHOICES)),  # nothing is rare but the gap
        ([9, 0, 0, 0, 0], {"low"}),
    ],
)
def test_the_next_rarest_choice_hides_a_rare_one(sizes: list[int], left: set[str]) -> None:
    made = file_of(people_of([sizes, [6, 6, 6, 6, 0]]))
    assert left_in(made, "110000") == left
    assert left_in(made, "320500") == set(CHOICES)
    rows = made.table
    assert rows.loc[rows["income"].isna() & (rows["city_code"] == "320500")].empty


def test_what_was_asked_because_of_it_goes_as_well() -> None:
    made = file_of(people_of([[9, 8, 7, 1, 0], [6, 6, 6, 6, 0]]))
    blank = made.table["income"].isna()
    assert blank.sum() == 8
    assert made.table.loc[blank, "yacht"].isna().all()
    assert made.table.loc[~blank, "yacht"].notna().all()
    assert made.blanked == 2 * 8


sizes = st.lists(st.integers(0, 12), min_size=5, max_size=5)


@pytest.mark.slow
@given(st.lists(sizes, min_size=2, max_size=2), st.permutations(CHOICES))
@example([[9, 8, 7, 1, 0], [9, 4, 0, 0, 5]], list(CHOICES))
def test_elimination_tells_no_answer_of_any_table(counts: Counts, categories: list[str]) -> None:
    people = people_of(counts)
    made = file_of(people)
    true = people[people["city_code"].isin(made.kept["city_code"])].reset_index(drop=True)
    assert told_by_elimination(made.kept, true, "income", frozenset(CHOICES)) == []
    assert smallest_blank(made.kept, true, "income") >= MIN_CLASS_SIZE
    shown = made.table.dropna(subset=["income"])
    if len(shown):
        classes = shown.groupby(["city_code", "income"], observed=True).size()
        assert classes.min() >= MIN_CLASS_SIZE
    # Neither the order of the categories nor another city decides anything.
    again = file_of(people_of(counts, tuple(categories)))
    pd.testing.assert_frame_equal(
        again.table.astype({"income": "string"}), made.table.astype({"income": "string"})
    )
    for city in CITIES:
        alone = file_of(people[people["city_code"] == city].reset_index(drop=True))
        assert left_in(alone, city) == left_in(made, city)


@pytest.fixture(scope="module")
def source(frozen_small_demo: Path) -> WaveData:
    """Some of eight of everybody, for the small demo has six interviews a city."""
    settings = Settings(database_url="", data_dir=frozen_small_demo)
    with read_scope(settings.store_url) as session:
        wave = get_wave(session=session, key="main-2024")
        snapshot = session.exec(select(Snapshot).where(Snapshot.wave_id == wave.id)).one()
        data = load_wave_data(session, wave, settings.snapshot_dir / snapshot.directory)
    dispose_engines()
    people = pd.concat([data.people] * 8, ignore_index=True)
    people["response_id"] = [f"r{row}" for row in range(len(people))]
    return replace(data, people=people.sample(3500, random_state=1).reset_index(drop=True))


QUESTIONS = ("residence", "education", "hukou", "income")
"""Asked of everybody, and no margin of the weights."""


def test_elimination_tells_no_answer_of_a_wave(source: WaveData) -> None:
    made = deidentify(source.people, source.instrument, NAME, margins=weight_margins(source))
    kept = made.kept.set_index("response_id", drop=False)
    true = source.people.set_index("response_id", drop=False).loc[kept.index]
    blanked = 0
    for name in QUESTIONS:
        choices = source.instrument.by_name[name].choice_names
        assert told_by_elimination(kept, true, name, choices) == []
        assert smallest_blank(kept, true, name) >= MIN_CLASS_SIZE
        blanked += int((kept[name].isna() & true[name].notna()).sum())
        assert kept[name].notna().any()
    assert 0 < blanked < made.blanked
    scored = list(source.plan.tree.items)
    pd.testing.assert_frame_equal(kept[scored], true[scored], check_dtype=False)


def test_blanks_of_merged_classes_have_two_cells_behind_them(source: WaveData) -> None:
    """Age band and gender, within the rows that share everything a reader sees of the key."""
    margins = weight_margins(source)
    labels = [
        name for name in dict.fromkeys(("age_band", "gender", *margins)) if name in source.people
    ]
    made = deidentify(source.people, source.instrument, NAME, margins=margins)
    kept = made.kept.set_index("response_id", drop=False)
    true = source.people.set_index("response_id", drop=False).loc[kept.index]
    key = ["stratum_key", "weight", *labels]
    seen = [kept[name].astype("string").fillna("").to_numpy() for name in key]
    found = 0
    for _, rows in kept.groupby(seen):
        assert len(rows) >= MIN_CLASS_SIZE
        for name in labels:
            if rows[name].isna().all() and true.loc[rows.index, name].notna().all():
                assert true.loc[rows.index, name].nunique() > 1
                found += 1
    assert found > 50


def test_blanks_are_the_same_in_parts_as_are_the_deviations(source: WaveData) -> None:
    city = source.people["city_code"].astype(str).to_numpy()
    parts = [
        LoadedPart(replace(source, people=source.people[rows].reset_index(drop=True)))
        for rows in (city < "32", (city >= "32") & (city < "44"), city >= "44")
    ]
    whole, split = (
        release_rows(AreaParts(those, lambda city: True), NAME)
        for those in ([LoadedPart(source)], parts)
    )
    pd.testing.assert_frame_equal(split.table, whole.table)
    assert split.blanked == whole.blanked > 0
    assert compare_headlines(split.frozen, split.kept) == compare_headlines(
        whole.frozen, whole.kept
    )
