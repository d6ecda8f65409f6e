"""What files that were built again say differently: lines, figures, or their form alone."""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from types import MappingProxyType

from defusedxml import ElementTree
from openpyxl import load_workbook

from survey.locale import Message, msg
from survey.publish.figure_table import SHARE
from survey.publish.publications.figures import Erratum

_NAMED, _CONTEXT, _EXCERPT = 3, 12, 90
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_TAG = re.compile(r"<[^>]*>")
_NEAR_END = 5.0
"""Per cent from 0 or 100: the interval of a share closer than that allows for alike people."""


class DifferenceKind(StrEnum):
    """How far a file differs from the one that was signed."""

    FORM = "form"
    WORDS = "words"
    FIGURES = "figures"
    UNREAD = "unread"
    SCRIPT = "script"


@dataclass(frozen=True)
class FileDifference:
    """What a file says differently, with the first line that does."""

    file: str
    kind: DifferenceKind
    before: str = ""
    after: str = ""
    mends: tuple[str, ...] = ()
    """Keys of `MENDED_LINES`: what it said that was not true, or too much, and was mended since."""


MENDED_LINES: Mapping[str, Message] = MappingProxyType(
    {
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
)
"""Pattern of a line in which an earlier version said something else, the Chinese as escapes -> what
it was about."""

_KIND_TEXTS: Mapping[DifferenceKind, Message] = MappingProxyType(
    {
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
)


def compare_contents(path: str, before: bytes, after: bytes) -> FileDifference:
    """Return how the contents of two versions of a file differ."""
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
    """Yield a sentence for each way in which files differ, and for what was mended in them."""
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
    """Yield a sentence for figures that are hidden, shown or printed otherwise than signed."""
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
    """Return both lines from shortly before they differ."""
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
    """Yield the texts between the tags of a page or a description."""
    return (text for each in _TAG.split(data.decode()) if (text := each.strip()))


_READERS: Mapping[str, Callable[[bytes], Iterator[str]]] = MappingProxyType(
    {
        "docx": _iter_paragraphs,
        "pptx": _iter_paragraphs,
        "xlsx": _iter_rows,
        "csv": _iter_lines,
        "html": _iter_marked_lines,
        "xml": _iter_marked_lines,
    }
)
"""Readers of what files say, by the end of their names."""
