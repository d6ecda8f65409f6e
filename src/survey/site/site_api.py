"""The read side of the API for everybody: released figures of a built site, by id or by area."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from survey.figures.figure_table import KEYS
from survey.locale import LANGUAGES, translator
from survey.release.figures import RELEASED_COLUMNS
from survey.site.released_archive import ReleasedArchive, ReleasedFigure

API_FOLDER = "api/v1"
RELEASES_FILE = f"{API_FOLDER}/releases"
MAX_FIGURES = 1_000
_NUMBERS = ("estimate", "ci_low", "ci_high")


def iter_api_files(
    releases: Sequence[ReleasedArchive], describe: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the files that the API answers from.

    Args:
        describe: Id of a release -> what its entry in the list of releases says beside its id.
    """
    entries = []
    for release in releases:
        manifest = release.manifest
        tokens: dict[str, list[ReleasedFigure]] = {}
        for figure in release.iter_figures():
            tokens.setdefault(area_token(manifest.wave, figure.id), []).append(figure)
        entries.append(
            {
                "id": manifest.id,
                "wave": manifest.wave,
                "year": manifest.year,
                "demo": manifest.demo,
                "title": manifest.title,
                "published": manifest.embargo_until,
                "contact": manifest.contact,
                "corrects": manifest.corrects,
                "reason": manifest.reason,
                "areas": sorted(tokens),
                "labels": release.labels,
                **describe[manifest.id],
            }
        )
        for token, figures in sorted(tokens.items()):
            yield f"{API_FOLDER}/tables/{manifest.wave}/{token}.csv.gz", _pack(figures)
    yield RELEASES_FILE, orjson.dumps(entries, option=orjson.OPT_INDENT_2)


def _pack(figures: Iterable[ReleasedFigure]) -> bytes:
    """Return figures as a compressed CSV of the columns of `figures.csv`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(RELEASED_COLUMNS)
    writer.writerows(figures)
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
        """Return a figure by its id; None for one that no release shows."""
        for wave, release in self._releases.items():
            if figure_id.startswith(f"{wave}-"):
                token = area_token(wave, figure_id)
                for figure in self._iter_figures(release, token):
                    if figure.id == figure_id:
                        return orjson.dumps(_describe(figure, release))
        return None

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
        path = self.folder / API_FOLDER / "tables" / release["wave"] / f"{token}.csv.gz"
        text = gzip.decompress(path.read_bytes()).decode()
        rows = csv.reader(io.StringIO(text, newline=""))
        next(rows)
        yield from map(ReleasedFigure._make, rows)


def _describe(figure: ReleasedFigure, release: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a figure with its names, its release and how to cite it."""
    labels = release["labels"]
    return {
        **{name: getattr(figure, name) for name in ("id", "wave", *KEYS)},
        **{name: _parse_number(getattr(figure, name)) for name in _NUMBERS},
        "n": int(figure.n) if figure.n else None,
        "names": {kind: labels.get(kind, {}).get(getattr(figure, kind)) for kind in labels},
        "demo": release["demo"],
        "mark": translator(LANGUAGES[0])("Demonstration data") if release["demo"] else "",
        "release": release["id"],
        "published": release["published"],
        "corrects": release["corrects"],
        "cite": {language: f"{text} {figure.id}" for language, text in release["cite"].items()},
        "verify": release["archive"],
    }


def _parse_number(text: str) -> float | None:
    return float(text) if text else None
