"""Reproduction of a release: every file built again from the snapshot and compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from io import BytesIO
from typing import BinaryIO

from survey.access.roles import Action
from survey.access.work import Work
from survey.locale import Message, msg
from survey.publish.publications.archives import read_archived_files, read_archived_manifest
from survey.publish.publications.earlier_snapshots import find_earlier_snapshot, get_seal
from survey.publish.publications.figures import find_errata
from survey.publish.publications.file_builders import FIGURES_FILE
from survey.publish.publications.file_differences import (
    compare_contents,
    describe_differences,
    describe_figures,
)
from survey.publish.publications.publication_files import build_publication_files
from survey.publish.publications.register import PublicationNotAllowedError, find_publication
from survey.publish.publications.verify import Finding, compare_file
from survey.publish.views.display_names import is_nationwide
from survey.results.wave_results import WaveResults, open_snapshot
from survey.store.tables import Snapshot


@dataclass(frozen=True)
class Reproduction:
    """What building a release again gave."""

    same: tuple[str, ...]
    """Files that are the same, byte for byte."""
    findings: tuple[Finding, ...]
    software: str
    """Version that made the release, where it is not this one."""
    is_same_snapshot: bool
    """Whether the results are those that were signed; they may have been computed again."""
    differences: tuple[Message, ...]
    """What the files say differently now, in sentences."""

    @property
    def is_whole(self) -> bool:
        """Whether every file is the same."""
        return not self.findings


class _BuiltFiles:
    """Files in memory, as `compare_file` reads them."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def open(self, name: str) -> BinaryIO:
        if name not in self._files:
            raise FileNotFoundError(name)
        return BytesIO(self._files[name])


def reproduce_publication(work: Work, *, key: str) -> Reproduction:
    """Build every file of a signed release again and compare it with the manifest.

    Raises:
        PublicationNotAllowedError: nobody has signed it, so there is nothing to compare with.
        ArchiveDamagedError: its files are not those that were signed.
    """
    work.require(Action.RELEASE)
    publication, wave = find_publication(work, key=key)
    if not publication.archive_sha256:
        raise PublicationNotAllowedError(
            msg("Nobody has signed release {release}, so it has no files.", release=key)
        )
    archived = read_archived_files(work.settings, publication)
    manifest = read_archived_manifest(archived)
    snapshot = work.session.get_one(Snapshot, publication.snapshot_id)
    results = open_snapshot(work.settings, work.session, wave, snapshot)
    if results.wave.seal_sha256:
        # The name of the figures that were signed, as every file prints it. That others lie there
        # now is said once; in each file it would hide which figures differ.
        results.wave = replace(results.wave, seal_sha256=manifest.snapshot.seal_sha256)
    earlier = [
        open_snapshot(
            work.settings,
            work.session,
            *find_earlier_snapshot(work.session, each, manifest.prepared_at),
        )
        for each in manifest.earlier
    ]
    built = build_publication_files(
        work.settings, work.session, publication, results, earlier
    ).files
    made = {path: data for path, (_, data) in built.items()}
    source = _BuiltFiles(made)
    findings = {
        entry.path: compare_file(source, entry.path, entry.model_dump()) for entry in manifest.files
    }
    added = sorted(built.keys() - findings.keys())
    current = version("hundred-cities-survey")
    return Reproduction(
        same=tuple(path for path, finding in findings.items() if finding is None),
        findings=(
            *(finding for finding in findings.values() if finding is not None),
            *(Finding(path, "unlisted") for path in added),
        ),
        software="" if manifest.software == current else manifest.software,
        is_same_snapshot=get_seal(work.session, snapshot) == manifest.snapshot.seal_sha256,
        differences=tuple(_describe_differences(results, archived, made)),
    )


def _describe_differences(
    results: WaveResults, archived: Mapping[str, bytes], made: Mapping[str, bytes]
) -> Iterator[Message]:
    """Yield what the files that differ say now, figures first."""
    differing = [path for path, data in sorted(archived.items()) if made.get(path, data) != data]
    if differing and not results.method.protects_rates_together:
        yield msg(
            "These results were frozen before rates of one question were protected together: "
            "frozen again, this version hides more of them. A release keeps what was signed."
        )
        if not is_nationwide(results.wave.cities):
            yield msg("The whole of a wave of some cities was called the nation; it is not now.")
    if results.tree is None and any(path.startswith("reports/") for path in archived):
        yield msg(
            "A questionnaire without an indicator tree has no score, and so no report: its first "
            "question stood as the score."
        )
    yield from describe_figures(find_errata(archived[FIGURES_FILE], made[FIGURES_FILE]))
    yield from describe_differences(
        compare_contents(path, archived[path], made[path]) for path in differing
    )
