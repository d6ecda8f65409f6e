"""Record what tests see, and compare two records: for changes that must change nothing.

    pytest -p tools.golden --golden before -n 2 tests    # on the old commit, twice: before, again
    pytest -p tools.golden --golden after -n 2 tests     # on the new one
    python tools/golden.py before after --noise again

Recorded of each test: audit entries with their details, code and message of every error, every
element of every page that is run, and the data or parts of every file (PDF, Word, archive).
Ids, hashes, moments and folders that differ from run to run are left out; what differs between two
records of the same commit is noise, and its tests are counted, not compared.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{12,}\b|/tmp/[^\s\"']+"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?|\b\d\d:\d\d(:\d\d)?\b"
    r"|(localhost|127\.0\.0\.1):\d+"
)
_KEYS_OF_WIDGETS = frozenset({"id", "formId", "elementId", "hash", "url", "fileName", "jsContent"})


def _settle(text: str) -> str:
    return _VOLATILE.sub("…", text)


class Recorder:
    """Writes a line for each thing that is seen, with the test that saw it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8")
        self.test = ""

    def write(self, kind: str, *values: object) -> None:
        if self.test:
            line = [self.test, kind, _settle(" | ".join(str(value) for value in values))]
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.test = item.nodeid
        try:
            return (yield)
        finally:
            self.test = ""
            self._file.flush()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", type=Path, help="folder for the record of what tests see")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("--golden")
    if folder is not None:
        recorder = Recorder(Path(folder).absolute())
        config.pluginmanager.register(recorder)
        _install(recorder)


def _after(owner: Any, name: str, see: Callable[..., None]) -> None:
    """Let `see` look at the arguments and the result of each call of a method or function."""
    known = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        result = known(*args, **kwargs)
        see(result, *args, **kwargs)
        return result

    setattr(owner, name, call)


def _install(recorder: Recorder) -> None:
    import zipfile

    import typst
    from streamlit.testing.v1.element_tree import ElementTree

    from survey.locale import SurveyError
    from survey.store.audit_chain import ChainEntry

    def see_entry(_: None, entry: ChainEntry, *_args: Any, **_kwargs: Any) -> None:
        recorder.write("audit", entry.action, entry.subject_kind, entry.detail.decode())

    def see_error(_: None, error: SurveyError, *_args: Any, **_kwargs: Any) -> None:
        recorder.write("error", error.code, error.message)

    def see_page(app: Any, *_args: Any, **_kwargs: Any) -> None:
        for element in _iter_elements(app._tree):
            recorder.write("page", element)

    def see_member(_: None, _file: Any, info: Any, data: Any, *_args: Any, **_kwargs: Any) -> None:
        content = data.encode() if isinstance(data, str) else bytes(data)
        try:
            content = _settle(content.decode()).encode()
        except UnicodeDecodeError:
            content = content if len(content) < 1_000_000 else content[:1_000_000]
        recorder.write("part", getattr(info, "filename", info), sha256(content).hexdigest()[:10])

    def see_document(_: bytes, source: Any, **kwargs: Any) -> None:
        recorder.write("pdf", sha256(source).hexdigest()[:10], kwargs.get("sys_inputs"))

    _after(ChainEntry, "__init__", see_entry)
    _after(SurveyError, "__init__", see_error)
    _after(ElementTree, "run", see_page)
    _after(zipfile.ZipFile, "writestr", see_member)
    _after(typst, "compile", see_document)


def _iter_elements(node: Any) -> Iterator[str]:
    """Yield what each element of a page holds, from top to bottom."""
    from google.protobuf.json_format import MessageToDict

    for child in getattr(node, "children", {}).values():
        proto = getattr(child, "proto", None)
        if proto is not None and hasattr(proto, "DESCRIPTOR"):
            held = _drop_keys(MessageToDict(proto))
            yield f"{child.type} {json.dumps(held, ensure_ascii=False, sort_keys=True)[:4000]}"
        yield from _iter_elements(child)


def _drop_keys(held: Any) -> Any:
    if isinstance(held, dict):
        return {key: _drop_keys(held[key]) for key in held if key not in _KEYS_OF_WIDGETS}
    return [_drop_keys(each) for each in held] if isinstance(held, list) else held


def read_record(folder: Path) -> dict[str, Counter[str]]:
    """Return by test how often it saw what."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for file in folder.glob("*.jsonl"):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                test, kind, what = json.loads(line)
                seen[test][f"{kind}: {what}"] += 1
    return seen


def compare(before: Path, after: Path, noise: Path | None) -> int:
    """Print what differs, and return the number of tests that see something else."""
    old, new = read_record(before), read_record(after)
    again = read_record(noise) if noise else old
    noisy = {test for test in old if old[test] != again.get(test, Counter())}
    both = sorted((old.keys() & new.keys()) - noisy)
    differing = [test for test in both if old[test] != new[test]]
    for test in differing:
        print(test)
        for mark, more in (("-", old[test] - new[test]), ("+", new[test] - old[test])):
            for what, count in [*more.items()][:20]:
                print(f"  {mark} {count} × {what[:600]}")
    print(f"{len(both)} tests compared, {len(differing)} see something else")
    alone = len(old.keys() ^ new.keys())
    print(f"{len(noisy)} differ from run to run, {alone} are in one record only")
    return len(differing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compare two records of what tests see.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--noise", type=Path, help="a second record of the commit of `before`")
    chosen = parser.parse_args()
    sys.exit(1 if compare(chosen.before, chosen.after, chosen.noise) else 0)
