"""What stands in a PDF, as poppler reads it; skipped loudly where it is not installed."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest


def run_poppler(program: str, content: bytes, *arguments: str) -> str:
    """Return the text that a program of poppler writes about a PDF."""
    return render(program, content, *arguments).decode()


def render(program: str, content: bytes, *arguments: str) -> bytes:
    """Return what a program of poppler makes of a PDF."""
    path = shutil.which(program)
    if path is None:
        pytest.skip("POPPLER IS NOT INSTALLED: what stands in the PDF is not tested")
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        command = [path, *arguments, file.name, *(["-"] if program == "pdftotext" else [])]
        return subprocess.run(command, check=True, capture_output=True).stdout


@dataclass(frozen=True)
class PrintedText:
    """A run of text on a page; `size` in points, rounded by poppler to whole ones."""

    text: str
    size: int


def read_pages(content: bytes) -> list[list[PrintedText]]:
    """Return the texts of each page from top to bottom."""
    written = run_poppler("pdftohtml", content, "-xml", "-stdout", "-zoom", "1", "-i")
    root, sizes = ElementTree.fromstring(written), {}
    for face in root.iter("fontspec"):
        sizes[face.get("id")] = int(face.get("size", "0"))
    return [
        [
            PrintedText("".join(text.itertext()), sizes[text.get("font")])
            for text in page.iter("text")
        ]
        for page in root.iter("page")
    ]


def squeeze(text: str) -> str:
    """Return a text without blanks, which a typesetter puts between scripts as it sees fit."""
    return "".join(text.split()).replace("\u00a0", "")
