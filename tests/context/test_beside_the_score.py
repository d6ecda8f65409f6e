"""Evidence beside the score never enters it: neither by a table nor by an import."""

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import CheckConstraint

from seed.demo import generate_wave
from seed.demo.shipped_data import shipped_instrument, shipped_tree
from survey.estimate import Cube
from survey.questionnaire.model import Instrument
from survey.results.measures import measures_for, read_measures
from survey.results.wave_parts import WaveData
from survey.results.wave_rules import WaveRules
from survey.settings import PROJECT_ROOT
from survey.store.tables import get_metadata

SOURCE = PROJECT_ROOT / "src" / "survey"
EVIDENCE = {
    "closed_month",
    "comparative_test",
    "comparative_test_erratum",
    "complaint_amount",
    "complaint_count",
    "complaint_summary",
    "complaint_week",
    "consumer_station",
    "delivery",
    "delivery_revision",
    "maker_reply",
    "opinion_count",
    "product_grade",
    "product_measurement",
    "product_sample",
    "published_table",
    "rule_work",
    "sample_photo",
    "trader_hearing",
    "trader_list",
    "trader_rule",
    "trader_total",
}
"""Tables of evidence; each may refer to one of these, to an account or to a city."""
COLLECTED = {
    "base_visit",
    "education_activity",
    "education_base",
    "photo",
    "venue_check",
    "venue_reply",
    "venue_revisit",
    "venue_visit",
}
"""Tables of experience checks, which are collected as waves about venues: they refer to what is
collected, and nothing of a wave about people refers to them."""
RELEASED = {"evidence_release"}
"""Registers of what is released of both; nothing refers to them."""
COLLECTION = {"account", "response", "sampling_point", "wave"}
SCORING = ("snapshots", "estimate", "disclosure", "results")
NEUTRAL = {"account", "city"}
COMPUTING = (
    "questionnaire", "frame", "waves", "collection", "review", "snapshots", "estimate",
    "disclosure", "results",
)  # fmt: skip
PACKAGES = (
    "survey.comparative_tests",
    "survey.counts.complaints",
    "survey.education",
    "survey.counts.deliveries",
    "survey.experience_checks",
    "survey.counts.opinion",
)


def test_no_table_joins_evidence_and_answers() -> None:
    tables = get_metadata().tables
    assert tables.keys() >= EVIDENCE | COLLECTED | RELEASED
    for table in tables.values():
        targets = {key.column.table.name for key in table.foreign_keys}
        if table.name in EVIDENCE:
            assert targets <= EVIDENCE | NEUTRAL, table.name
        elif table.name in COLLECTED:
            assert targets <= COLLECTED | COLLECTION, table.name
        elif table.name in RELEASED:
            assert targets <= EVIDENCE | COLLECTED | NEUTRAL | {"publication_key"}, table.name
        else:
            assert not targets & (EVIDENCE | COLLECTED | RELEASED), table.name


def test_a_wave_about_venues_can_neither_be_frozen_nor_scored() -> None:
    """The rule stands in the table itself; the service tests break it on both databases."""
    rules = {
        str(rule.name): str(rule.sqltext)
        for rule in get_metadata().tables["wave"].constraints
        if isinstance(rule, CheckConstraint)
    }
    assert rules["ck_wave_venues_apart"] == (
        "unit = 'person' OR (tree_id IS NULL AND state NOT IN ('frozen', 'released'))"
    )


@pytest.mark.parametrize("package", SCORING)
def test_nothing_that_scores_names_a_table_of_experience_checks(package: str) -> None:
    for path in sorted((SOURCE / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"VenueCheck", "VenueVisit", "VenueReply", "VenueRevisit", "Photo"}, path
        assert not COLLECTED & _texts(path), path


@pytest.mark.parametrize("package", COMPUTING)
def test_nothing_that_computes_results_imports_evidence(package: str) -> None:
    files = sorted((SOURCE / package).rglob("*.py"))
    assert files
    for path in files:
        assert not _imported_evidence(path), path
        assert not EVIDENCE & _texts(path), path


def _imported_evidence(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return {module for module in modules if module.startswith(PACKAGES)}


def _texts(path: Path) -> set[str]:
    """Return every text of a module, among which a table could be named."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


MODULES = ("detriment", "green", "service")
"""Modules of questions that stand beside the score, asked in the same interview as the score."""
SHIPPED = ("main-2021", "main-2023", "main-2024", "elderly-2024", "minors-2024")


@cache
def module_columns(form: str) -> tuple[str, ...]:
    return tuple(item.name for item in shipped_instrument(form).items() if item.module in MODULES)


@pytest.mark.parametrize("form", SHIPPED)
def test_no_measure_is_of_a_question_that_is_scored(form: str) -> None:
    """The list of measures and the tree share no question: neither can be read as the other."""
    instrument = shipped_instrument(form)
    declared = read_measures(PROJECT_ROOT / "seed" / "instruments" / "measures.csv")
    measured = {measure.item for measure in measures_for(instrument, declared)}
    assert measured
    assert not measured & {item.name for item in instrument.scored_items}
    assert not {item.module for item in instrument.scored_items} & set(MODULES)


@cache
def a_wave() -> tuple[pd.DataFrame, Instrument]:
    return generate_wave("main-2024", n=300).approved, shipped_instrument("main-2024")


def scored_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Every indicator of the nation and its regions, as a freeze estimates it."""
    data = WaveData.weigh(
        frame,
        WaveRules.of(
            series="main",
            instrument=a_wave()[1],
            tree=shipped_tree("cca-2023"),
            composite="item_means",
        ),
    )
    assert not set(data.plan.tree.item_columns) & set(module_columns("main-2024"))
    areas = {level: data.areas[level] for level in ("nation", "region3")}
    spec = data.build_cube_spec(areas, {"all": data.memberships["all"]})
    return Cube.of(data.people, spec).table(level=0.95)


def test_other_answers_to_a_module_change_no_score() -> None:
    """All answers of the modules are dealt out anew: no indicator moves by a digit."""
    frame, _ = a_wave()
    names = [
        column
        for column in frame.columns
        if column.partition("/")[0] in module_columns("main-2024")
    ]
    assert len(names) > 15
    other, dealt = frame.copy(), np.random.default_rng(1).permutation(len(frame))
    for name in names:
        other[name] = frame[name].to_numpy()[dealt]
        other[name] = other[name].astype(frame[name].dtype)
    assert not other[names].equals(frame[names])
    pd.testing.assert_frame_equal(scored_table(other), scored_table(frame))
