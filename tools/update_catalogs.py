"""Collect screen texts of each package into its gettext catalog, keeping what is translated.

Without arguments all packages, else the packages named.
"""

import subprocess
import sys
from pathlib import Path

from survey.locale import DOMAINS

ROOT = Path(__file__).resolve().parents[1]
CATALOGS = ROOT / "src" / "survey" / "locale"
EXTRA_SOURCES = {
    "store": ("src/survey/records.py",),
    "ui": ("pages", "app.py"),
    "fieldwork": ("src/survey/sample",),
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


def update(domain: str) -> None:
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
    verb = "update" if catalog.exists() else "init"
    # A text that left the code leaves the catalog: kept as a comment it would only grow old.
    kept = ["--ignore-obsolete"] if verb == "update" else []
    pybabel(verb, *kept, "-i", str(template), "-o", str(catalog), "-l", "zh", "-D", domain)
    template.unlink()
    _, _, texts = catalog.read_text(encoding="utf-8").partition("\n\n")
    catalog.write_text(HEADER + texts, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:] or DOMAINS:
        update(name)
