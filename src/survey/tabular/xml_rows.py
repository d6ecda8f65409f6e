"""Rows of an XML export: each repeated element is a row, whatever the system that wrote it.

The row is the element that occurs most often; its columns are its attributes and the elements below
it, and those of the elements that it lies in, such as the sample that a result belongs to.
"""

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from survey.locale import msg
from survey.tabular.raw_rows import RawRows
from survey.tabular.text_table import MAX_COLUMNS, FileUnreadableError, build_too_many_columns_error

MAX_BYTES = 20 * 2**20
_MAX_DEPTH = 30
_DECLARED = re.compile(rb"^(<\?xml[^>]*?encoding\s*=\s*[\"'])(gb[\w-]*)([\"'])", re.IGNORECASE)
"""Encodings of Chinese systems that the parser does not know."""


def is_xml(content: bytes) -> bool:
    """Return whether a file begins as XML does."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*<[?!A-Za-z_]", content) is not None


def read_xml_rows(content: bytes) -> RawRows:
    """Return the repeated elements of an XML file as rows below a row of heads.

    Attributes are called by element and name (`sample id`), elements by their name. Row n + 1 is
    the n-th of the repeated elements.

    Raises:
        FileUnreadableError: It is no XML, declares entities, is too large or nothing repeats in it.
    """
    root = _parse(content)
    paths = Counter(path for path, _ in _walk(root) if path)
    most = max(paths.values(), default=0)
    if most < 2:
        raise FileUnreadableError(msg("The XML file has no element that repeats as rows do."))
    # Of elements that occur as often, the outer one has the others as its columns.
    row_path = min((path for path, count in paths.items() if count == most), key=len)
    records = [_read_record(chain) for path, chain in _walk(root) if path == row_path]
    heads = list(dict.fromkeys(head for record in records for head in record))
    if len(heads) > MAX_COLUMNS:
        raise build_too_many_columns_error()
    return RawRows([heads, *([record.get(head, "") for head in heads] for record in records)])


def _parse(content: bytes) -> Element:
    if len(content) > MAX_BYTES:
        raise FileUnreadableError(
            msg("An XML file has at most {limit} MB.", limit=MAX_BYTES // 2**20)
        )
    try:
        if _DECLARED.match(content):
            text = content.decode("gb18030")
            content = _DECLARED.sub(rb"\1utf-8\3", text.encode())
        root: Element = ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise FileUnreadableError(msg("The file is no XML that can be read.")) from error
    return root


def _walk(root: Element) -> Iterator[tuple[tuple[str, ...], tuple[Element, ...]]]:
    """Yield the path and the chain of elements down to each element; the root's path is empty."""
    waiting: list[tuple[Element, ...]] = [(root,)]
    while waiting:
        chain = waiting.pop()
        yield tuple(_name(each) for each in chain[1:]), chain
        if len(chain) > _MAX_DEPTH:
            raise FileUnreadableError(msg("The file is no XML that can be read."))
        waiting += [(*chain, child) for child in reversed(chain[-1])]


def _read_record(chain: tuple[Element, ...]) -> dict[str, str]:
    """Return head -> text of a row: what surrounds it, then what it holds; the first one stays."""
    record: dict[str, str] = {}
    row = _name(chain[-1])
    for around in chain[1:-1]:
        _add(record, around, [each for each in around if not len(each) and _name(each) != row])
    _add(record, chain[-1], list(chain[-1].iter())[1:])
    return record


def _add(record: dict[str, str], element: Element, below: list[Element]) -> None:
    for each in (element, *below):
        for key, value in each.attrib.items():
            record.setdefault(f"{_name(each)} {key.rpartition('}')[2]}", value.strip())
        text = (each.text or "").strip()
        if text:
            record.setdefault(_name(each), text)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
