"""Every screen text is translated, placeholders kept, and nothing Chinese stands in the code."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po

from survey.locale import DOMAINS
from tools.update_catalogs import KEYWORDS, sources

ROOT = Path(__file__).resolve().parents[1]
CATALOGS = ROOT / "src" / "survey" / "locale" / "zh" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"\{(\w+)")
CHINESE = re.compile(r"[\u3400-\u9fff]")


def _used(domain: str) -> set[str]:
    keywords = dict.fromkeys(KEYWORDS)
    texts: set[str] = set()
    for source in sources(domain):
        path = ROOT / source
        if path.is_dir():
            for _file, _line, text, *_ in extract_from_dir(str(path), keywords=keywords):
                texts.add(text)
        else:
            extracted = extract_from_file("python", path, keywords=keywords)
            texts |= {text for _line, text, *_ in extracted}
    return {text for text in texts if isinstance(text, str)}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_text_of_a_package_is_translated(domain: str) -> None:
    catalog = read_po(io.BytesIO((CATALOGS / f"{domain}.po").read_bytes()))
    translated = {m.id: m.string for m in catalog if m.id and m.string and not m.fuzzy}
    assert _used(domain) - set(translated) == set()


@pytest.mark.parametrize("domain", DOMAINS)
def test_translations_keep_their_placeholders(domain: str) -> None:
    catalog = read_po(io.BytesIO((CATALOGS / f"{domain}.po").read_bytes()))
    for message in catalog:
        if message.id and message.string:
            assert set(PLACEHOLDER.findall(message.string)) == set(
                PLACEHOLDER.findall(message.id)
            ), message.id


def test_a_text_has_one_translation() -> None:
    """All catalogs are asked in turn: of two translations every screen shows the first one's.

    A form asked for 名次 where it meant 地点. A text with two meanings takes other English words.
    """
    translations: dict[str, dict[str, str]] = {}
    for domain in DOMAINS:
        for message in read_po(io.BytesIO((CATALOGS / f"{domain}.po").read_bytes())):
            if message.id:
                translations.setdefault(str(message.id), {})[domain] = str(message.string)
    assert {
        text: by_domain
        for text, by_domain in translations.items()
        if len(set(by_domain.values())) > 1
    } == {}


SHIPPED_SCRIPT = ROOT / "src/survey/release/verify.py"
"""It runs alone, on machines of strangers, where there are no catalogs."""


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_wave_has_one_name_on_screen(domain: str) -> None:
    """The glossary calls it one thing; a second word would be taken for a second thing."""
    assert "波次" not in (CATALOGS / f"{domain}.po").read_text(encoding="utf-8")


def test_no_chinese_stands_in_python_outside_seed_and_catalogs() -> None:
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "src").rglob("*.py")]
    files.remove(SHIPPED_SCRIPT)
    offenders = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if CHINESE.search(line)
    ]
    assert offenders == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_catalog_compiles(domain: str) -> None:
    """What the compiler objects to stops `make`, though reading the catalog does not."""
    catalog = read_po(io.BytesIO((CATALOGS / f"{domain}.po").read_bytes()))
    assert [(message.id, errors) for message, errors in catalog.check()] == []
