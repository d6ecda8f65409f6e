"""Files of released evidence: the tables that every reader of results sees, as CSV and JSON.

They are read as `PUBLIC_READER`, so nothing of a single venue is among them, nor a receipt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import orjson
import pandas as pd

from survey.access.roles import Action
from survey.access.work import Work
from survey.comparative_tests.reading import (
    ComparativeTestDetail,
    ComparativeTestSummary,
    get_comparative_test,
)
from survey.comparative_tests.sample_photos import read_sample_photo
from survey.counts.trader_hearings import HEARINGS
from survey.counts.trader_lists import TraderView, find_named_trader
from survey.counts.trader_view import NO_FINDING, build_named_table, describe_base, describe_list
from survey.experience_checks.reading import ExperienceCheckSummary, get_experience_check
from survey.figures.figure_table import csv_bytes
from survey.figures.views.check_figures import build_check_figures
from survey.figures.views.comparative_test import ComparativeTestTexts
from survey.figures.views.experience_check import build_experience_check_view, name_area
from survey.locale import LANGUAGES, Labels, NotFoundError, label_text, translator
from survey.release import verify
from survey.release.file_builders import SCRIPT_BUILDER, SCRIPT_FILE
from survey.release.publication_source import PUBLIC_READER
from survey.store.tables import TraderHearing

TABLES_FILE = "tables.json"
Kind = Literal["experience_check", "comparative_test", "trader"]


@dataclass(frozen=True)
class EvidenceTable:
    """Table of released evidence in one language."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class EvidenceContents:
    """What is released of a check or test: who it is of, and its files by path."""

    kind: Kind
    key: str
    area: str
    title: Labels
    is_demo: bool
    released_at: datetime
    files: Mapping[str, tuple[str, bytes]]
    """Path -> (builder, content)."""


def build_check_contents(work: Work, check_id: UUID) -> EvidenceContents:
    """Return scores, findings and agreement of a released check.

    Raises:
        NotFoundError: there is no such check, or it is not released.
    """
    check = get_experience_check(replace(work, principal=PUBLIC_READER), wave_id=check_id)
    figures, summary = build_check_figures(check), check.summary
    tables: dict[str, list[EvidenceTable]] = {}
    remarks: dict[str, Sequence[str]] = {}
    for language in LANGUAGES:
        view, t = build_experience_check_view(check, figures, language), translator(language)
        found = [
            (name_area(area, language), *row)
            for area, (_, rows) in view.findings.items()
            for row in rows
        ]
        heads = next((heads for heads, _ in view.findings.values()), ())
        tables[language] = [
            EvidenceTable("scores", *view.scores),
            EvidenceTable("findings", (t("Area"), *heads), tuple(found)),
            EvidenceTable("agreement", *view.agreement),
        ]
        said = (*view.sentences, *view.agreement_sentences, *view.notes, view.draw)
        remarks[language] = (view.title, *said)
    return _build_contents("experience_check", summary, tables, remarks)


def build_test_contents(work: Work, test_id: UUID) -> EvidenceContents:
    """Return results and steps to the grades of a released test, as they stand now.

    Raises:
        NotFoundError: there is no such test, or it is not released.
    """
    public = replace(work, principal=PUBLIC_READER)
    test = get_comparative_test(public, test_id=test_id)
    summary = test.summary
    tables: dict[str, list[EvidenceTable]] = {}
    remarks: dict[str, Sequence[str]] = {}
    for language in LANGUAGES:
        t = translator(language)
        texts = ComparativeTestTexts(test, t, language)
        results = texts.build_result_table()
        heads: tuple[str, ...] = ()
        steps: list[tuple[Any, ...]] = []
        for sample in test.samples:
            if sample.standing is not None:
                of_sample = texts.build_steps(sample.standing).characteristics
                heads = of_sample.heads
                steps += [(sample.data.code, *row) for row in of_sample.rows]
        tables[language] = [
            EvidenceTable("results", results.heads, results.rows),
            EvidenceTable("steps", (t("Sample number"), *heads), tuple(steps)),
        ]
        corrections = t("Corrections of released values: {count}", count=len(test.errata))
        remarks[language] = (label_text(summary.title, language, summary.key), corrections)
    contents = _build_contents("comparative_test", summary, tables, remarks)
    return replace(contents, files={**contents.files, **_read_photos(public, test)})


def _read_photos(work: Work, test: ComparativeTestDetail) -> dict[str, tuple[str, bytes]]:
    """Return the photos of a test that publishes them: path -> (builder, content)."""
    return {
        f"photos/{sample.data.code}-{number}.jpg": (
            "photos",
            read_sample_photo(work, folder=work.settings.photo_dir, photo_id=photo_id).content,
        )
        for sample in test.samples
        for number, photo_id in enumerate(sample.photos, start=1)
    }


def find_public_trader(work: Work, hearing_id: UUID) -> TraderView | None:
    """Return what every reader sees of the trader of a hearing; None unless it is public now."""
    work.require(Action.READ_RESULTS)
    hearing = work.session.get(TraderHearing, hearing_id)
    if hearing is None:
        return None
    public = replace(PUBLIC_READER, is_demo=hearing.is_demo)
    return find_named_trader(replace(work, principal=public), hearing_id=hearing_id)


def build_trader_contents(work: Work, hearing_id: UUID) -> EvidenceContents:
    """Return a named trader with its total, the base, its answer, and what complaints are not.

    The name stands in the table alone: title and key go on standing after it was taken back.

    Raises:
        NotFoundError: there is no such hearing, or its trader is not public.
    """
    hearing = work.find(HEARINGS, hearing_id)
    view = find_public_trader(work, hearing_id)
    if view is None or hearing.named_at is None:
        raise NotFoundError("trader_hearing_unknown", HEARINGS.unknown)
    tables: dict[str, list[EvidenceTable]] = {}
    remarks: dict[str, Sequence[str]] = {}
    titles = {}
    for language in LANGUAGES:
        t = translator(language)
        heads, rows = build_named_table(view, t)
        tables[language] = [EvidenceTable("trader", heads, tuple(rows))]
        listed = describe_list(view, t, language)
        titles[language] = t("Trader named in complaints, {list}", list=listed)
        remarks[language] = (titles[language], t(NO_FINDING), describe_base(view, t))
    return EvidenceContents(
        kind="trader",
        key=f"{view.area}-{view.year}-{hearing.id.hex[-8:]}",
        area=view.area,
        title=titles,
        is_demo=hearing.is_demo,
        released_at=hearing.named_at,
        files=_build_files(tables, remarks, is_demo=hearing.is_demo),
    )


def _build_contents(
    kind: Kind,
    summary: ExperienceCheckSummary | ComparativeTestSummary,
    tables: Mapping[str, Sequence[EvidenceTable]],
    remarks: Mapping[str, Sequence[str]],
) -> EvidenceContents:
    assert summary.released_at is not None
    return EvidenceContents(
        kind=kind,
        key=summary.key,
        area=summary.area,
        title=summary.title,
        is_demo=summary.is_demo,
        released_at=summary.released_at,
        files=_build_files(tables, remarks, is_demo=summary.is_demo),
    )


def _build_files(
    tables: Mapping[str, Sequence[EvidenceTable]],
    remarks: Mapping[str, Sequence[str]],
    *,
    is_demo: bool,
) -> dict[str, tuple[str, bytes]]:
    files = dict(_build_csv_files(tables, remarks, is_demo=is_demo))
    document = {
        language: {
            "remarks": [line for line in remarks[language] if line],
            "tables": {each.name: {"heads": each.heads, "rows": each.rows} for each in own},
        }
        for language, own in tables.items()
    }
    files[TABLES_FILE] = ("tables", orjson.dumps(document, option=orjson.OPT_SORT_KEYS))
    files[SCRIPT_FILE] = (SCRIPT_BUILDER, Path(verify.__file__).read_bytes())
    return files


def _build_csv_files(
    tables: Mapping[str, Sequence[EvidenceTable]],
    remarks: Mapping[str, Sequence[str]],
    *,
    is_demo: bool,
) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for language, own in tables.items():
        demo = [translator(language)("Demonstration data")] if is_demo else []
        above = [*demo, *filter(None, remarks[language])]
        for each in own:
            frame = pd.DataFrame(list(each.rows), columns=list(each.heads))
            yield f"tables/{each.name}.{language}.csv", ("tables", csv_bytes(frame, above))
