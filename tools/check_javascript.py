"""Check the types of the JavaScript with the TypeScript compiler (`tsc --checkJs`).

Run by `make check`. The files are joined as `survey.web.assets` joins them, so that a part that a
bundle lacks is found as well, and only the standard library of ES2017 is known. `make setup`
installs the compiler into `.venv` where npm is; without node or the compiler the check is skipped,
loudly, and passes.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from survey.web.assets import FORM_PARTS, PAPER_PARTS, PHOTO_PARTS, STATIC

ROOT = Path(__file__).resolve().parents[1]
COMPILER = ROOT / ".venv" / "javascript" / "node_modules" / "typescript" / "bin" / "tsc"
GLOBALS = ROOT / "tools" / "javascript" / "globals.d.ts"
KIT = ROOT / "src" / "survey" / "kit"
SITE = ROOT / "src" / "survey" / "site" / "templates"
OPTIONS = (
    "--allowJs", "--checkJs", "--noEmit", "--pretty", "false", "--target", "es2017",
    "--module", "esnext", "--alwaysStrict", "--noImplicitThis", "--noImplicitAny",
    "--noUnusedLocals", "--strictBindCallApply", "--noFallthroughCasesInSwitch",
)  # fmt: skip
"""Only with `noImplicitAny` is a member that an object lacks an error in JavaScript."""
SKIPPED = """\
************************************************************************
  THE JAVASCRIPT WAS NOT TYPE-CHECKED: {reason}.
  Install node and npm, then run `make setup`.
************************************************************************
"""
_TEXTS = "/** @type {Record<string, Record<string, string>>} */ const SCREEN_TEXTS = {};"
_STREAMLIT = "/** @type {Record<string, string[][]>} */ const STREAMLIT_TEXTS = {};"
_FILES = "/** @type {string[]} */ const FILES = [];"
_MODULE = "export {};"
_UNDECLARED = re.compile(r" error TS70\d\d: ")
"""Complaints that a parameter has no declared type, which few of ours have."""
_PLACE = re.compile(r"^(\S+)\.js\((\d+),(\d+)\)")


@dataclass
class Bundle:
    """Files that a browser runs as one script, joined with the line each of them starts at."""

    name: str
    lines: list[str] = field(default_factory=list)
    starts: list[tuple[int, Path]] = field(default_factory=list)

    def add(self, *files: Path) -> None:
        """Append whole files."""
        for file in files:
            self.starts.append((len(self.lines), file))
            self.lines += file.read_text(encoding="utf-8").splitlines()

    def locate(self, line: int) -> str:
        """Return file and line for a line of the bundle, both counted from 1."""
        start, file = [each for each in self.starts if each[0] < line][-1]
        return f"{file.relative_to(ROOT)}:{line - start}"


def _parts(names: tuple[str, ...]) -> list[Path]:
    return [STATIC / f"{name}.js" for name in names]


def page_bundles() -> list[Bundle]:
    """Return what pages run: bare pages, both Streamlit forms, small parts, the public site."""
    public, interview, keying = Bundle("public"), Bundle("interview"), Bundle("keying")
    preview = Bundle("preview")
    public.add(*_parts((*FORM_PARTS, "public_page", "notices", "contact")))
    public.lines.append(_MODULE)
    interview.add(*_parts((*FORM_PARTS, *PHOTO_PARTS, "contact")))
    interview.lines.append(_TEXTS)
    interview.add(*_parts(("streamlit_mount", "interview_component")))
    keying.add(*_parts(PAPER_PARTS))
    keying.lines.append(_TEXTS)
    keying.add(*_parts(("streamlit_mount", "keying_component")))
    preview.add(*_parts((*FORM_PARTS, *PHOTO_PARTS)))
    preview.lines.append(_TEXTS)
    preview.add(*_parts(("streamlit_mount", "preview_component")))
    streamlit = Bundle("streamlit", [_STREAMLIT])
    streamlit.add(*_parts(("streamlit_language",)))
    streamlit.lines.append(_MODULE)
    bundles = [public, interview, keying, preview, streamlit]
    for file in (STATIC / "component.js", *sorted(KIT.glob("*.js")), *sorted(SITE.glob("*.js"))):
        bundles.append(Bundle(file.stem))
        bundles[-1].add(file)
    return bundles


def worker_bundle() -> Bundle:
    """Return the service worker, which knows no document."""
    bundle = Bundle("worker", [_FILES])
    bundle.add(STATIC / "service_worker.js")
    return bundle


def check(bundles: list[Bundle], libraries: str) -> list[str]:
    """Return the compiler's complaints about the bundles, each with its file and line."""
    by_name = {bundle.name: bundle for bundle in bundles}
    with tempfile.TemporaryDirectory() as folder:
        for bundle in bundles:
            text = "\n".join(bundle.lines)
            (Path(folder) / f"{bundle.name}.js").write_text(text, encoding="utf-8")
        shutil.copy(GLOBALS, folder)
        files = [GLOBALS.name] if "dom" in libraries else []
        files += [f"{bundle.name}.js" for bundle in bundles]
        command = ["node", str(COMPILER), *OPTIONS, "--lib", libraries, "--typeRoots", folder]
        result = subprocess.run(
            [*command, *files], cwd=folder, capture_output=True, text=True, check=False
        )
    complaints = [
        _translate(complaint, by_name)
        for complaint in re.split(r"\n(?! )", result.stdout.strip())
        if complaint and not _UNDECLARED.search(complaint)
    ]
    return complaints if result.stdout else result.stderr.splitlines()[-3:]


def _translate(complaint: str, bundles: dict[str, Bundle]) -> str:
    """Replace the place in a bundle by the place in the file."""
    match = _PLACE.match(complaint)
    if match is None:
        return complaint
    place = bundles[match[1]].locate(int(match[2]))
    return f"{place}:{match[3]}{complaint[match.end() :]}"


def main() -> int:
    """Check everything; 1 if the compiler complains."""
    missing = "node was not found" if shutil.which("node") is None else ""
    if not COMPILER.exists():
        missing = missing or "the TypeScript compiler is not installed"
    if missing:
        sys.stderr.write(SKIPPED.format(reason=missing))
        return 0
    complaints = check(page_bundles(), "es2017,dom,dom.iterable")
    complaints += check([worker_bundle()], "es2017,webworker")
    # A part that two bundles share is complained about twice.
    for complaint in dict.fromkeys(complaints):
        sys.stderr.write(f"{complaint}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
