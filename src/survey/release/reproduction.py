"""Reproduction of a release: every file built again, compared, and its differences in words."""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import version
from io import BytesIO
from typing import BinaryIO

from defusedxml import ElementTree
from openpyxl import load_workbook

from survey.access.roles import Action
from survey.access.work import Work
from survey.figures.figure_table import SHARE
from survey.figures.views.display_names import is_nationwide
from survey.locale import Message, msg
from survey.release.archives import read_archived_files
from survey.release.figures import Erratum, find_errata
from survey.release.file_builders import FIGURES_FILE, FILES_BESIDE_FIGURES
from survey.release.manifest import PublicationManifest
from survey.release.publication_files import build_publication_files
from survey.release.register import PublicationNotAllowedError, find_publication
from survey.release.release_sequence import get_seal, open_earlier_waves
from survey.release.verify import MANIFEST, Finding, compare_file
from survey.reports.contents import ReportKind
from survey.results.wave_results import WaveResults, open_snapshot
from survey.store.tables import Snapshot

_NAMED, _CONTEXT, _EXCERPT = 3, 12, 90
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TAG = re.compile(r"<[^>]*>")
_NEAR_END = 5.0
"""Per cent from 0 or 100: the interval of a share closer than that allows for alike people."""


class DifferenceKind(StrEnum):
    """Kind of difference from the signed file: form, words, figures, script, or not read."""

    FORM = "form"
    WORDS = "words"
    FIGURES = "figures"
    UNREAD = "unread"
    SCRIPT = "script"


@dataclass(frozen=True)
class FileDifference:
    """How one file differs from the signed one, with the first line that differs."""

    file: str
    kind: DifferenceKind
    before: str = ""
    after: str = ""
    mends: tuple[str, ...] = ()
    """Keys of `MENDED_LINES`: what it said that was not true, or too much, and was mended since."""


MENDED_LINES: Mapping[str, Message] = {
    r"\u5176\u95f4\u7684\u57ce\u5e02|cities in between cannot be told apart": msg(
        "that the cities in between cannot be told apart from a city: it holds for fewer of "
        "them, and their number is given now"
    ),
    r"\u7ebf\u6027\u89c4\u5212|by linear programming over all published counts": msg(
        "what the check of hidden counts covered: rates of one question were not looked at "
        "together, and what was not reached is named now"
    ),
    r"(?i)clearly above nation|beyond doubt|it takes place \d": msg(
        "English wording of places and differences"
    ),
}
"""Pattern of a line in which an earlier version said something else, the Chinese as escapes -> what
it was about."""

_KIND_TEXTS: Mapping[DifferenceKind, Message] = {
    DifferenceKind.FIGURES: msg(
        "Lines with other figures in {count} files ({files}), for example “{before}”, now "
        "“{after}”."
    ),
    DifferenceKind.WORDS: msg(
        "Lines worded differently, with the same figures, in {count} files ({files}), for "
        "example “{before}”, now “{after}”."
    ),
    DifferenceKind.FORM: msg(
        "Same words and same figures, written into the file differently (language, typeface, "
        "layout): {count} files ({files})."
    ),
    DifferenceKind.UNREAD: msg(
        "Compared by their bytes alone: {count} files ({files}). What they say is what the "
        "Word file of the same report says."
    ),
    DifferenceKind.SCRIPT: msg(
        "The script with which strangers check a release is that of this version ({files})."
    ),
}


def compare_contents(path: str, before: bytes, after: bytes) -> FileDifference:
    """Return whether form, words or figures of a file differ, with the first line that differs."""
    if path.endswith(".py"):
        return FileDifference(path, DifferenceKind.SCRIPT)
    read = _READERS.get(path.rpartition(".")[2])
    if read is None:
        return FileDifference(path, DifferenceKind.UNREAD)
    old, new = Counter(read(before)), Counter(read(after))
    gone, come = list((old - new).elements()), list((new - old).elements())
    if not gone and not come:
        return FileDifference(path, DifferenceKind.FORM)
    kind = (
        DifferenceKind.WORDS if _count_numbers(gone) == _count_numbers(come)
        else DifferenceKind.FIGURES
    )  # fmt: skip
    mends = tuple(each for each in MENDED_LINES if any(re.search(each, line) for line in gone))
    first = _excerpt(next(iter(gone), ""), next(iter(come), ""))
    return FileDifference(path, kind, *first, mends)


def describe_differences(differences: Iterable[FileDifference]) -> Iterator[Message]:
    """Yield a sentence for each kind of difference, and for each error corrected since."""
    listed = tuple(differences)
    for kind, text in _KIND_TEXTS.items():
        own = [each for each in listed if each.kind is kind]
        if own:
            words = {"count": len(own), "files": _name_some([each.file for each in own])}
            first = {"before": own[0].before, "after": own[0].after}
            yield Message(text.msgid, {**words, **first})
    for mend, what in MENDED_LINES.items():
        files = [each.file for each in listed if mend in each.mends]
        if files:
            yield msg(
                "Mended since in {count} files ({files}): {what}.",
                count=len(files), files=_name_some(files), what=what,
            )  # fmt: skip


def describe_figures(errata: Sequence[Erratum]) -> Iterator[Message]:
    """Yield sentences on rebuilt figures that are hidden, newly shown or printed differently."""
    changed = [each for each in errata if each.before and each.after]
    ends = [each for each in changed if _is_interval_near_end(each)]
    kinds = (
        ([each for each in errata if each.is_hidden],
         msg("{count} figures are hidden now that were shown ({figures}).")),
        ([each for each in errata if each.is_added],
         msg("{count} figures are shown now that were hidden ({figures}).")),
        (ends, msg("{count} shares near 0 or 100 % have another interval alone: it allows for "
                   "people of one sampling point being alike ({figures}).")),
        ([each for each in changed if each not in ends],
         msg("{count} figures are printed with other digits ({figures}).")),
    )  # fmt: skip
    for found, text in kinds:
        if found:
            named = _name_some([each.figure for each in found])
            yield Message(text.msgid, {"count": len(found), "figures": named})


def _name_some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _is_interval_near_end(erratum: Erratum) -> bool:
    before, after = erratum.before, erratum.after
    if not erratum.figure.endswith(f"-{SHARE}") or before["estimate"] != after["estimate"]:
        return False
    share = float(before["estimate"] or "nan")
    return not _NEAR_END <= share <= 100 - _NEAR_END


def _count_numbers(lines: Iterable[str]) -> Counter[str]:
    return Counter(number for line in lines for number in _NUMBER.findall(line))


def _excerpt(before: str, after: str) -> tuple[str, str]:
    """Return parts of two lines that begin shortly before their first difference."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((place for place, (old, new) in pairs if old != new), 0)
    start = max(same - _CONTEXT, 0)
    first, second = (line[start : start + _EXCERPT].strip() for line in (before, after))
    return first, second


def _iter_paragraphs(data: bytes) -> Iterator[str]:
    """Yield the paragraphs of a Word document or of slides."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for name in sorted(archive.namelist()):
            if re.fullmatch(r"word/(document|header\d+|footer\d+)\.xml|ppt/slides/[^/]+", name):
                for element in ElementTree.fromstring(archive.read(name)).iter():
                    if element.tag.endswith("}p"):
                        yield "".join(
                            each.text or "" for each in element.iter() if each.tag.endswith("}t")
                        )


def _iter_rows(data: bytes) -> Iterator[str]:
    book = load_workbook(BytesIO(data), read_only=True)
    for sheet in book:
        for row in sheet.values:
            yield " | ".join(str(cell) for cell in row if cell is not None)


def _iter_lines(data: bytes) -> Iterator[str]:
    return iter(data.decode().splitlines())


def _iter_marked_lines(data: bytes) -> Iterator[str]:
    """Yield the texts between the tags of an HTML page or XML document, without blank ones."""
    return (text for each in _TAG.split(data.decode()) if (text := each.strip()))


_READERS: Mapping[str, Callable[[bytes], Iterator[str]]] = {
    "docx": _iter_paragraphs,
    "pptx": _iter_paragraphs,
    "xlsx": _iter_rows,
    "csv": _iter_lines,
    "html": _iter_marked_lines,
    "xml": _iter_marked_lines,
}
"""Readers of what files say, by the end of their names."""


@dataclass(frozen=True)
class Reproduction:
    """Result of building a release again: files that are the same, and how others differ."""

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
        """Whether every file was rebuilt as it was signed."""
        return not self.findings


class _BuiltFiles:
    """Files of a rebuilt release in memory, readable by `compare_file` like a folder."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def open(self, name: str) -> BinaryIO:
        if name not in self._files:
            raise FileNotFoundError(name)
        return BytesIO(self._files[name])


def reproduce_publication(work: Work, *, key: str) -> Reproduction:
    """Build every file of a signed release again, and return how they compare with it.

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
    manifest = PublicationManifest.model_validate_json(archived[MANIFEST])
    snapshot = work.session.get_one(Snapshot, publication.snapshot_id)
    results = open_snapshot(work.settings, work.session, wave, snapshot)
    if results.wave.seal_sha256:
        # The name of the figures that were signed, as every file prints it. That others lie there
        # now is said once; in each file it would hide which figures differ.
        results.wave = replace(results.wave, seal_sha256=manifest.snapshot.seal_sha256)
    earlier = open_earlier_waves(work.settings, work.session, manifest)
    built = build_publication_files(
        work.settings, work.session, publication, results, earlier, manifest.prepared_at
    ).files
    made = {path: data for path, (_, data) in built.items()}
    source = _BuiltFiles(made)
    findings = {
        entry.path: compare_file(source, entry.path, entry.model_dump()) for entry in manifest.files
    }
    # Releases of an earlier version had no names of their own beside the figures.
    added = sorted(built.keys() - findings.keys() - FILES_BESIDE_FIGURES)
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
    """Yield sentences on how rebuilt files (`made`) differ from archived ones, and why."""
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
    if any(f"-{ReportKind.METHOD}-" in path for path in made.keys() - archived.keys()):
        yield msg(
            "Reports of that version had no letter, no annex and no method of their own: what they "
            "say has other places now."
        )
    yield from describe_figures(find_errata(archived[FIGURES_FILE], made[FIGURES_FILE]))
    yield from describe_differences(
        compare_contents(path, archived[path], made[path]) for path in differing
    )
