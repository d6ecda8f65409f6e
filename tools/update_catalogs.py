"""Collect screen texts of each package into its gettext catalog, keeping what is translated.

Without arguments all packages, else the packages named. A text that moved to another package takes
its translation along: a text has one translation, wherever it stands.
"""

import io
import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from survey.locale import DOMAINS

ROOT = Path(__file__).resolve().parents[1]
CATALOGS = ROOT / "src" / "survey" / "locale"
EXTRA_SOURCES = {
    "kit": ("pages", "app.py"),
    "tabular": ("src/survey/spreadsheets.py", "src/survey/records.py"),
    "cli": ("seed/demo/build.py",),
}
HEADER = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Language: zh\n"
"Plural-Forms: nplurals=1; plural=0;\n"

"""
"""Nothing in it changes from day to day, so an update shows only changed texts."""
KEYWORDS = ("t", "_t", "msg", "_", "print_note")


def sources(domain: str) -> list[str]:
    return [f"src/survey/{domain}", *EXTRA_SOURCES.get(domain, ())]


def pybabel(*arguments: str) -> None:
    command = [str(Path(sys.executable).parent / "pybabel"), "--quiet", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)


def read_translations() -> dict[str, str]:
    """Return the translation of every text in any catalog, also of packages that are gone."""
    known: dict[str, str] = {}
    for catalog in sorted(CATALOGS.glob("zh/LC_MESSAGES/*.po")):
        with catalog.open("rb") as file:
            known |= {
                str(message.id): str(message.string)
                for message in read_po(file)
                if message.id and message.string and not message.fuzzy
            }
    return known


def update(domain: str, known: dict[str, str]) -> None:
    template = CATALOGS / f"{domain}.pot"
    catalog = CATALOGS / "zh" / "LC_MESSAGES" / f"{domain}.po"
    keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
    pybabel(
        "extract",
        *keywords,
        "--omit-header",
        "--no-location",
        "--sort-output",
        "-o",
        str(template),
        *sources(domain),
    )
    with template.open("rb") as file:
        texts = read_po(file, locale="zh")
    template.unlink()
    for message in texts:
        message.string = known.get(str(message.id), "")
    written = io.BytesIO()
    write_po(written, texts, sort_output=True, omit_header=True)
    catalog.write_bytes(HEADER.encode() + written.getvalue().rstrip() + b"\n")


if __name__ == "__main__":
    translations = read_translations()
    for name in sys.argv[1:] or DOMAINS:
        update(name, translations)
