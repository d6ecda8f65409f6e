"""A signed release as the public site reads it: checked archive, its figures and their names.

Nothing here opens the store. What is shown to strangers comes from bytes that two people signed, so
that no fault of the server can publish anything else.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import orjson

from survey.access.roles import NATION
from survey.estimate.tree import COMPOSITE
from survey.figures.figure_table import RANK, SCORE, SHARE, gap_measure
from survey.figures.tables.ods import UNWRITABLE
from survey.frame.city_frame import area_labels
from survey.frame.quotas import EVERYONE
from survey.locale import Labels, Message, RefusedError, label_text, msg
from survey.release.archives import check_published_path, describe_finding
from survey.release.figures import RELEASED_COLUMNS
from survey.release.file_builders import FIGURES_FILE, LABELS_FILE
from survey.release.manifest import PublicationManifest
from survey.release.verify import MANIFEST, KeyList

GAP_TO_NATION = gap_measure("nation")
PAGE_MEASURES = frozenset({SCORE, SHARE, RANK, GAP_TO_NATION})
"""Measures that pages show; every other one is in the files and behind the address of a figure."""


class ReleasedFigure(NamedTuple):
    """One row of `figures.csv` as it was printed; an empty text is a value that was not printed."""

    id: str
    wave: str
    area_level: str
    area: str
    indicator: str
    group: str
    measure: str
    estimate: str
    ci_low: str
    ci_high: str
    n: str
    mark: str


def parse_lines(lines: Iterable[bytes]) -> Iterator[ReleasedFigure]:
    """Yield the figures in lines of `figures.csv` below its head."""
    rows = csv.reader(b"\n".join(lines).decode().split("\n"))
    return map(ReleasedFigure._make, filter(None, rows))


RESERVED_NAMES = frozenset({"en", "api", "files", "verify", "log", "accessibility"})
"""Folders of the site beside those of the waves."""
_FOLDER_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*")

FigureKey = tuple[str, str, str, str, str]
"""Level, area, indicator, group and measure of a figure: two levels have an area named East."""


@dataclass(frozen=True)
class ReleasedArchive:
    """Archive of a release whose signature, files and state were checked."""

    path: Path
    manifest: PublicationManifest
    key_id: str

    def read(self, name: str) -> bytes:
        """Return a file of the archive; raise `RefusedError` unless it is what was signed."""
        entry = next((each for each in self.manifest.files if each.path == name), None)
        with ZipFile(self.path) as archive:
            data = archive.read(name)
        if entry is None or hashlib.sha256(data).hexdigest() != entry.sha256:
            raise _build_refusal(self.manifest.id, msg("it was changed while it was read"))
        return data

    def read_signed(self, name: str) -> bytes:
        """Return the manifest or its signature; raise `RefusedError` unless as it was checked."""
        with ZipFile(self.path) as archive:
            data = archive.read(name)
        if name == MANIFEST and PublicationManifest.model_validate_json(data) != self.manifest:
            raise _build_refusal(self.manifest.id, msg("it was changed while it was read"))
        return data

    def sha256(self, name: str) -> str:
        """Return the signed hash of a file of the release."""
        return next(each.sha256 for each in self.manifest.files if each.path == name)

    def has(self, name: str) -> bool:
        return any(each.path == name for each in self.manifest.files)

    def read_figure_lines(self) -> Sequence[bytes]:
        """Return the lines of `figures.csv` below its head, one a figure: no cell breaks a line."""
        head, *lines = self.read(FIGURES_FILE).rstrip(b"\n").split(b"\n")
        if head != ",".join(RELEASED_COLUMNS).encode():
            raise _build_refusal(self.manifest.id, msg("its figures have other columns"))
        return lines

    def iter_figures(self) -> Iterator[ReleasedFigure]:
        """Yield every figure of the release in the order of its file."""
        yield from parse_lines(self.read_figure_lines())

    @cached_property
    def figures(self) -> Mapping[FigureKey, ReleasedFigure]:
        """Figures that pages show: those of everybody, and of each group the composite score."""
        return {
            (each.area_level, each.area, each.indicator, each.group, each.measure): each
            for each in self.iter_figures()
            if each.measure in PAGE_MEASURES
            and (each.group == EVERYONE or each.indicator == COMPOSITE)
        }

    @cached_property
    def labels(self) -> Mapping[str, Mapping[str, Labels]]:
        """Names by kind and code as the release has them; none of one from before that."""
        if not self.has(LABELS_FILE):
            return {}
        found: dict[str, dict[str, Labels]] = _clean(orjson.loads(self.read(LABELS_FILE)))
        return found

    def name(self, kind: str, code: str, language: str) -> str:
        """Return the name of an area, group or indicator; the code where none is known."""
        known = self.labels.get(kind, {}).get(code)
        if known is None and kind == "area":
            known = area_labels().get(code)
        return label_text(known or {}, language, code)

    def title(self, language: str) -> str:
        return label_text(self.manifest.title, language, self.manifest.id)

    def find(
        self,
        area: str,
        indicator: str = COMPOSITE,
        group: str = EVERYONE,
        measure: str = SCORE,
        level: str = "",
    ) -> ReleasedFigure | None:
        """Return a figure; None of one that was not printed or that pages do not show.

        Args:
            level: Level of the area, where another one has an area of the same name.
        """
        found = level or self._levels.get(area, "")
        return self.figures.get((found, area, indicator, group, measure))

    @cached_property
    def _levels(self) -> Mapping[str, str]:
        """Area -> its level; of two levels with an area of one name the last."""
        return {figure.area: figure.area_level for figure in self.figures.values()}

    @property
    def headline(self) -> ReleasedFigure | None:
        """Composite score of the nation; none of a questionnaire without one."""
        return self.find(NATION)

    def list_areas(self, level: str) -> Sequence[str]:
        """Return the codes of the areas of a level that have a figure, in their order."""
        return self._areas_by_level.get(level, ())

    @cached_property
    def _areas_by_level(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, dict[str, None]] = {}
        for figure in self.figures.values():
            found.setdefault(figure.area_level, {})[figure.area] = None
        return {level: sorted(areas) for level, areas in found.items()}

    @cached_property
    def cities(self) -> Sequence[str]:
        """Codes of the cities of which a score or share of everybody was printed, in their order.

        Each of them has a page.
        """
        return sorted(
            {
                each.area
                for each in self.figures.values()
                if each.area_level == "city"
                and each.group == EVERYONE
                and each.measure in {SCORE, SHARE}
                and each.estimate
            }
        )

    @cached_property
    def indicators(self) -> Sequence[str]:
        """Indicators and topics that the nation has figures of, in the order of the file."""
        of_nation = (
            each.indicator
            for each in self.figures.values()
            if each.area == NATION and each.group == EVERYONE and each.measure in {SCORE, SHARE}
        )
        return tuple(code for code in dict.fromkeys(of_nation) if code != COMPOSITE)

    @cached_property
    def groups(self) -> Sequence[str]:
        """Groups of people with a composite score of the nation, in the order of the file."""
        return tuple(
            each.group
            for each in self.figures.values()
            if each.area == NATION and each.group != EVERYONE and each.measure == SCORE
        )


def read_released_archive(
    path: Path, published: KeyList, now: datetime, opened: frozenset[str] = frozenset()
) -> ReleasedArchive:
    """Return the checked archive of a release that strangers may see at `now`.

    Args:
        opened: Ids of releases that two people opened to the public after they were signed.

    Raises:
        RefusedError: it is not genuine, not public, was taken back or replaced, or is not due yet.
    """
    result, _ = check_published_path(path, published)
    if result.findings:
        raise _build_refusal(path.name, describe_finding(result.findings[0]))
    if result.manifest.get("kind"):
        raise _build_refusal(path.name, msg("it is no release of a wave"))
    # What was checked, not what lies there a moment later.
    manifest = parse_manifest(result.manifest)
    if not _FOLDER_NAME.fullmatch(manifest.wave) or manifest.wave in RESERVED_NAMES:
        raise _build_refusal(manifest.id, msg("its wave has a name that no address can have"))
    if manifest.id in published.corrected:
        later = published.corrected[manifest.id]
        raise _build_refusal(manifest.id, msg("it was replaced by {release}", release=later))
    if not manifest.public and manifest.id not in opened:
        raise _build_refusal(manifest.id, msg("it was not announced as public"))
    if now < manifest.embargo_until:
        raise _build_refusal(manifest.id, msg("its announced minute is not over"))
    return ReleasedArchive(path, manifest, result.key_id)


def parse_manifest(document: Mapping[str, Any]) -> PublicationManifest:
    """Return a checked manifest; signs that would break an XML file are left out of its texts."""
    return PublicationManifest.model_validate(_clean(document))


def _clean(value: Any) -> Any:
    """Return a JSON document whose texts can stand in every format of the site."""
    if isinstance(value, str):
        return UNWRITABLE.sub("", value)
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list) else value


def require_one_kind(releases: Iterable[ReleasedArchive]) -> None:
    """Raise `RefusedError` if demonstrations are mixed with real releases, or two are of a wave."""
    manifests = [release.manifest for release in releases]
    if len({manifest.demo for manifest in manifests}) > 1:
        raise RefusedError(
            "site_refused",
            msg("Releases of a demonstration and real ones do not go onto one site."),
        )
    if len({manifest.wave for manifest in manifests}) != len(manifests):
        raise RefusedError("site_refused", msg("Two of the releases are of the same wave."))


def _build_refusal(release: str, reason: Message) -> RefusedError:
    return RefusedError(
        "site_refused",
        msg("{release} does not go onto the public site: {reason}", release=release, reason=reason),
    )
