"""The gate is the only way from estimates to eyes: nothing above it reads a figure around it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import survey
from survey.settings import PROJECT_ROOT

SOURCE = Path(survey.__path__[0])
ABOVE = (
    "figures", "counts", "evidence_city", "files", "rectification", "reports", "release",
    "operations", "web", "kit", "screens", "cli",
)  # fmt: skip
GUARDED = {"survey.estimate", "survey.snapshots", "survey.operations.backup",
           "survey.operations.backup_checks"}  # fmt: skip
"""Rooms and modules of which only `ALLOWED` may be imported from above."""
BEHIND = {"files/microdata", "operations/backup.py", "operations/backup_checks.py"}
"""Where rows leave as rows; `results`, where estimates pass the gate, is not searched at all."""
ALLOWED = {
    # What a snapshot says about itself, and its files checked as a whole: no figure.
    "survey.snapshots.snapshot_files": {
        "SnapshotDamagedError",
        "SnapshotManifest",
        "WithoutPoint",
        # What a freeze was asked to do with interviews and questions.
        "FreezeOptions",
        "check_snapshot",
        # Files that a freeze had read when it was cut off: named and removed, never read.
        "UNFINISHED",
        "remove_old_unfinished",
    },
    # Whole files, moved and checked by who runs the server; nobody is shown a figure.
    "survey.operations.backup": {"create_backup", "check_backup", "restore"},
    "survey.operations.backup_checks": {
        "BackupFile",
        "check_listed_backup",
        "list_backups",
        "record_backup_check",
    },
    # The key of the whole tree, and its weights for the scripts of a codebook: no figure.
    "survey.estimate.tree": {"COMPOSITE", "Tree"},
    # How far observers of an experience check agree, from its own visits: no figure of a wave.
    "survey.estimate.agreement": {
        "AgreementEstimate",
        "compute_cohen_kappa",
        "compute_krippendorff_alpha",
        "round_agreement",
        "tabulate_pairs",
    },
    # Which weekly counts of complaints stand out of their own past: no figure of a wave, and shown
    # behind a gate of its own (`counts/alarm_gate.py`).
    "survey.estimate.outbreaks": {
        "LEAST_COUNT",
        "LEAST_HISTORY_WEEKS",
        "LEFT_OUT_WEEKS",
        "MOST_PAST_WEEKS",
        "warn_of_outbreaks",
    },
    # The change that a test would find, from a published interval and its degrees of freedom.
    "survey.estimate.error_size": {"detectable_change"},
    # A published score plus the published step between two questionnaires, both rounded.
    "survey.estimate.bridge": {"carry"},
    # Hashes of files, and whether they fit.
    "survey.snapshots.seals": {
        "SEAL",
        "find_seal",
        "find_seals",
        "seal_of_seals",
        "was_sealed_as",
        "SnapshotSeals",
        "open_seals",
    },
}
FROM_RESULTS = {
    # Published tables and what is rounded before it is returned.
    "list_waves", "list_readable_waves", "list_earlier_waves", "open_results", "open_snapshot",
    "open_known_results",
    "find_earlier_wave", "select_rows",
    "unknown_choice", "compute_band_probabilities", "pool_waves", "fit_expected_errors",
    # Rounds as published tables are rounded; it reads nothing.
    "round_figures",
    # Slices of the published tables, and differences made of published digits alone.
    "compare_groups", "compare_with_peers", "groups_of", "list_crosstab_questions",
    "list_group_variables",
    # Codes of the cities that a city is compared with.
    "choose_peers", "reset_peers", "list_chosen_peers", "list_all_peers",
    # Computing, releasing and auditing: files and states; the bounds of an audit are for the
    # administrator alone.
    "freeze_wave", "recompute_wave", "audit_wave", "release_wave", "revoke_release",
    "list_releases", "list_release_changes", "find_current_release", "release_signed_wave",
    "find_standing_publication", "find_announced_publication",
    "get_newest_snapshot", "get_shown_snapshot",
    "release_request_options",
    "outdated_waves", "list_altered_tables", "list_current_snapshots", "list_published_snapshots",
    "list_shown_snapshots", "count_snapshots",
    # Whether every hidden count was audited, how far an audit is, and which released waves have
    # not passed: no figure.
    "require_whole_audit", "list_released_problems", "is_audit_due", "find_audit_standing",
    "audit_frozen_waves", "audit_beside", "is_signed_after_audit",
    # What a freeze would show, for whoever may freeze: figures gated and rounded, exact counts.
    "preview_freeze",
    # How the figures were made.
    "read_method", "crosswalk", "list_counterparts", "declared_items", "list_fit_questions",
    "select_special_groups",
}  # fmt: skip
"""Functions of `results` for those above it; any other one may return exact figures."""
EXACT_CLASSES = {"WaveData", "WaveParts", "WaveEstimates", "EstimatedChanges", "CategoryIndex"}
LAYERS = {"estimate", "snapshots", "results"}
PRIVATE = {"_folder", "_whole", "_read_filtered", "_filter_by_area", "exact", "exact_changes"}


def above() -> Iterator[Path]:
    for room in ABOVE:
        for path in sorted((SOURCE / room).rglob("*.py")):
            if not any(path.is_relative_to(SOURCE / folder) for folder in BEHIND):
                yield path
    yield from sorted((PROJECT_ROOT / "pages").glob("*.py"))
    yield PROJECT_ROOT / "app.py"


FILES = list(above())


def offences(text: str) -> list[str]:
    violations = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            room = ".".join(node.module.split(".")[:2])
            names = {alias.name for alias in node.names}
            if GUARDED & {room, node.module}:
                violations += sorted(names - ALLOWED.get(node.module, set()))
            if room == "survey.results":
                functions = {name for name in names if name.islower()}
                violations += sorted(functions - FROM_RESULTS) + sorted(names & EXACT_CLASSES)
            if room == "survey":
                violations += sorted(names & LAYERS)
        elif isinstance(node, ast.Import):
            violations += [
                alias.name
                for alias in node.names
                if alias.name.partition(".")[0] == "survey" and LAYERS & set(alias.name.split("."))
            ]
        elif isinstance(node, ast.Attribute):
            foreign = not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
            if node.attr == "read_parquet" or (foreign and node.attr in PRIVATE):
                violations.append(node.attr)
    return violations


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_above_the_gate_reads_around_it(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "from survey.estimate import Cube",
        "import survey.estimate.cube",
        "from survey import estimate",
        "import survey.results.table_cache",
        "from survey.results import table_cache",
        "from survey.results.table_cache import cached_table",
        "from survey.results.wave_estimates import estimate_wave",
        "from survey.results.wave_parts import WaveData",
        "from survey.snapshots import read_snapshot",
        "from survey.snapshots.snapshot_files import read_snapshot",
        "from survey.results.wave_snapshots import load_wave_data",
        "import pandas as pd\npd.read_parquet('cells.parquet')",
        "def view(results):\n    return results._whole('cells.parquet', {})",
        "def view(results):\n    return results.exact(None, 'cells.parquet', {})",
        "from survey.estimate import pooled_mean",
    ],
)
def test_ways_around_it_are_seen(text: str) -> None:
    assert offences(text)


def test_all_the_rooms_are_looked_at() -> None:
    names = {path.relative_to(SOURCE).parts[0] for path in FILES if path.is_relative_to(SOURCE)}
    assert names == set(ABOVE)
    assert len(FILES) > 100
