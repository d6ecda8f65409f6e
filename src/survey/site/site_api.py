"""The read side of the API for everybody: released figures of a built site, by id or by area."""

import csv
import gzip
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from survey.figures.figure_table import KEYS, VALUES
from survey.locale import LANGUAGES, Labels, translator
from survey.release.figures import ERRATA_COLUMNS, describe_errata
from survey.release.file_builders import ERRATA_FILE, FIGURES_FILE
from survey.site.csv_metadata import describe_area_tables
from survey.site.measure_texts import define_measure
from survey.site.release_tables import build_json_stat, pack_lines
from survey.site.released_archive import ReleasedArchive, ReleasedFigure, parse_lines
from survey.spreadsheets import unescape_formula

API_FOLDER = "api/v1"
RELEASES_FILE = f"{API_FOLDER}/releases"
TABLES_FOLDER, ERRATA_FOLDER = f"{API_FOLDER}/tables", f"{API_FOLDER}/errata"
MAX_FIGURES = 1_000


def iter_area_files(
    release: ReleasedArchive,
    lines: Mapping[str, Sequence[bytes]],
    errata: Mapping[str, Sequence[Sequence[str]]],
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every figure by area, and of what a correction changed there.

    Args:
        lines: Lines of its figures by area, see `group_lines`.
        errata: Rows of its errata by area, see `group_errata`.
    """
    folder = f"{TABLES_FOLDER}/{release.manifest.wave}"
    for token, own in lines.items():
        yield f"{folder}/{token}.csv.gz", pack_lines(own)
        figures = build_json_stat(release, parse_lines(own), LANGUAGES[0])
        # Digits in disorder: a higher level costs five times as much and saves a tenth.
        yield f"{folder}/{token}.jsonstat.json.gz", gzip.compress(figures, 4, mtime=0)
    metadata = describe_area_tables(release, lines)
    yield f"{folder}/csv-metadata.json", metadata
    for token, rows in errata.items():
        yield f"{ERRATA_FOLDER}/{release.manifest.wave}/{token}.csv.gz", _pack_errata(rows)


def build_release_list(
    releases: Sequence[ReleasedArchive], describe: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """Return the list of releases as JSON, from which the API answers.

    Args:
        describe: Id of a release -> what its entry says beside what its archive does.
    """
    entries = [
        {
            "id": release.manifest.id,
            "wave": release.manifest.wave,
            "year": release.manifest.year,
            "demo": release.manifest.demo,
            "title": release.manifest.title,
            "published": release.manifest.embargo_until,
            "contact": release.manifest.contact,
            "corrects": release.manifest.corrects,
            "reason": release.manifest.reason,
            "corrected": _describe_correction(release),
            "figures_sha256": release.sha256(FIGURES_FILE),
            "labels": release.labels,
            **describe[release.manifest.id],
        }
        for release in releases
    ]
    return orjson.dumps(entries, option=orjson.OPT_INDENT_2)


def _describe_correction(release: ReleasedArchive) -> Labels | None:
    """Return what a release changed of the one before, as its manifest has it."""
    errata = release.manifest.errata
    if errata is None:
        return None
    return {language: describe_errata(errata, translator(language)) for language in LANGUAGES}


def group_errata(
    release: ReleasedArchive, retracted: Collection[str]
) -> Mapping[str, Sequence[Sequence[str]]]:
    """Return the rows of `errata.csv` by the area in their ids; none of a first release.

    Args:
        retracted: Ids of releases that were taken back, whose values are not repeated.
    """
    if not release.has(ERRATA_FILE):
        return {}
    rows = csv.reader(io.StringIO(release.read(ERRATA_FILE).decode(), newline=""))
    next(rows)  # a sentence on all of them
    if tuple(next(rows)) != ERRATA_COLUMNS:
        return {}
    found: dict[str, list[Sequence[str]]] = {}
    before = slice(1, 1 + len(VALUES))
    for row in rows:
        if row[-2] in retracted:
            row[before] = [""] * len(VALUES)
        found.setdefault(area_token(release.manifest.wave, row[0]), []).append(row)
    return {token: found[token] for token in sorted(found)}


def _pack_errata(rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows((ERRATA_COLUMNS, *rows))
    return gzip.compress(buffer.getvalue().encode(), 6, mtime=0)


def area_token(wave: str, figure_id: str) -> str:
    """Return the part of a figure's id that names its area, as in `main-2026-110000-1.2-…`."""
    return figure_id.removeprefix(f"{wave}-").partition("-")[0]


@dataclass(frozen=True)
class SiteApi:
    """Answers of the API as JSON, read from the folder of a site."""

    folder: Path

    @cached_property
    def _releases(self) -> Mapping[str, Mapping[str, Any]]:
        entries = orjson.loads((self.folder / RELEASES_FILE).read_bytes())
        return {entry["wave"]: entry for entry in entries}

    def find_figure(self, figure_id: str) -> bytes | None:
        """Return a figure by its id, with its history; None for one that no release shows.

        One that a correction hides is said to be hidden, as the list of its errata does.
        """
        for wave, release in self._releases.items():
            if figure_id.startswith(f"{wave}-"):
                token = area_token(wave, figure_id)
                erratum = self._find_erratum(release, token, figure_id)
                for figure in self._iter_figures(release, token):
                    if figure.id == figure_id:
                        return orjson.dumps(_describe(figure, release) | _tell(release, erratum))
                if erratum:
                    hidden = {"id": figure_id, "wave": wave, "shown": False}
                    return orjson.dumps(hidden | _name_source(release) | _tell(release, erratum))
        return None

    def _find_erratum(
        self, release: Mapping[str, Any], token: str, figure_id: str
    ) -> Mapping[str, str]:
        """Return what a correction changed of a figure; empty where it changed nothing."""
        if token not in release["errata"]:
            return {}
        rows = csv.DictReader(self._read_rows(f"{ERRATA_FOLDER}/{release['wave']}/{token}.csv.gz"))
        return next((row for row in rows if row["id"] == figure_id), {})

    def list_figures(self, asked: Mapping[str, str]) -> bytes | None:
        """Return the figures of a `wave` and `area`, narrowed by indicator, group and measure.

        At most `MAX_FIGURES` from `offset` on; None for a wave or area without a released figure.
        """
        release = self._releases.get(asked.get("wave", ""))
        area = asked.get("area", "")
        if release is None:
            return None
        token = next(
            (each for each in release["areas"] if each == area or each.endswith(f".{area}")), None
        )
        if token is None:
            return None
        narrowed = [(name, asked[name]) for name in KEYS[2:] if name in asked]
        found = [
            figure
            for figure in self._iter_figures(release, token)
            if all(getattr(figure, name) == value for name, value in narrowed)
        ]
        text = asked.get("offset", "0")
        offset = int(text) if text.isdecimal() and len(text) < 8 else 0
        page = found[offset : offset + MAX_FIGURES]
        body = {
            "release": release["id"],
            "total": len(found),
            "offset": offset,
            "figures": [_describe(figure, release) for figure in page],
        }
        return orjson.dumps(body)

    def _iter_figures(self, release: Mapping[str, Any], token: str) -> Iterator[ReleasedFigure]:
        """Yield the figures of an area; none for a token that the release does not name."""
        if token not in release["areas"]:
            return
        rows = csv.reader(self._read_rows(f"{TABLES_FOLDER}/{release['wave']}/{token}.csv.gz"))
        next(rows)
        yield from map(ReleasedFigure._make, rows)

    def _read_rows(self, path: str) -> io.StringIO:
        return io.StringIO(gzip.decompress((self.folder / path).read_bytes()).decode(), newline="")


def _describe(figure: ReleasedFigure, release: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure with its names, what it measures, its release and how to cite it."""
    labels = release["labels"]
    return {
        **{name: getattr(figure, name) for name in ("id", "wave", *KEYS)},
        "shown": True,
        **_parse_numbers(figure._asdict()),
        "names": {kind: labels.get(kind, {}).get(getattr(figure, kind)) for kind in labels},
        "definition": define_measure(figure.measure),
        "cite": {language: f"{text} {figure.id}" for language, text in release["cite"].items()},
        **_name_source(release),
    }


def _name_source(release: Mapping[str, Any]) -> dict[str, Any]:
    """Return which release a figure is of, and how to check that it is in it."""
    return {
        "demo": release["demo"],
        "mark": translator(LANGUAGES[0])("Demonstration data") if release["demo"] else "",
        "release": release["id"],
        "published": release["published"],
        "corrects": release["corrects"],
        "verify": {**release["archive"], "figures_sha256": release["figures_sha256"]},
    }


def _tell(release: Mapping[str, Any], erratum: Mapping[str, str]) -> dict[str, Any]:
    """Return the history of a figure as the archive that stands tells it: before, and why.

    What it hides has no values there, and archives that were replaced are not read.
    """
    if not erratum:
        return {"history": []}
    before = _parse_numbers(erratum, "_before")
    after, reason = _parse_numbers(erratum, "_after"), unescape_formula(erratum["reason"])
    return {
        "history": [
            {"release": erratum["before_release"], **before},
            {"release": release["id"], **after, "reason": reason},
        ]
    }


def _parse_numbers(row: Mapping[str, str], suffix: str = "") -> dict[str, float | int | None]:
    """Return the printed values of a row as numbers; None where one was not printed."""
    texts = {name: row[f"{name}{suffix}"] for name in VALUES}
    count = texts.pop("n")
    numbers = {name: float(text) if text else None for name, text in texts.items()}
    return {**numbers, "n": int(count) if count else None}
