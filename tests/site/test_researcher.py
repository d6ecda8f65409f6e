"""A researcher finds a release by the map, reads CSV by address, and computes composites again."""

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from survey.locale import translator
from survey.site.page_frame import SiteSource
from survey.site.release_documents import list_documents
from survey.site.site_folder import write_site
from tests.publish.publications.register_steps import WAVE
from tests.site.conftest import PublishedStore
from tests.site.corrected_site import HIDDEN, LIFTED, SECOND, CorrectedSite
from tests.site.researcher.composites import compute_again

SCRIPT = Path(__file__).parent / "researcher" / "composites.R"
ROUNDING = 0.1
"""A printed composite is off by 0.05 at most, and so is a weighted mean of printed items."""


@pytest.fixture(scope="module")
def address(
    corrected: CorrectedSite, published: PublishedStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The site on a plain web server, at an address that its files know."""
    root = tmp_path_factory.mktemp("web")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/data"
        source = SiteSource([corrected.release], published.keys, f"{url}/")
        write_site(source, published.keys_document, root / "data")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield url
        server.shutdown()


def check(lines: Sequence[tuple[str, float, float]]) -> None:
    cities = {city for city, _, _ in lines}
    assert len(cities) >= 20
    assert HIDDEN not in cities
    for city, printed, again in lines:
        if city != LIFTED:  # its composite and items were lifted by hand, off the tree
            assert again == pytest.approx(printed, abs=ROUNDING), city


@pytest.mark.slow
def test_each_citys_composite_follows_from_its_items_and_the_weights(address: str) -> None:
    check(list(compute_again(address)))


def test_the_script_in_r_does_the_same(address: str) -> None:
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("Rscript is not installed: the script in R is NOT run, its twin in Python is")
    done = subprocess.run(
        [program, str(SCRIPT), address], check=True, capture_output=True, text=True, timeout=300
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    check([(city, float(printed), float(again)) for city, printed, again in rows])


def test_questionnaire_codebook_and_weights_are_named_on_the_page(corrected: CorrectedSite) -> None:
    """In the languages that the release has them in: this questionnaire is in English alone."""
    for prefix, names in (
        ("", ("问卷（英文）", "编码手册（中文）", "编码手册（英文）", "指标及其权重")),
        ("en/", ("Questionnaire, in English", "Codebook, in Chinese")),
    ):
        page = (corrected.folder / prefix / WAVE / "index.html").read_text("utf-8")
        assert all(f">{name}</a>" in page for name in names)
        assert "问卷（中文）" not in page
    folder = corrected.folder / "files" / SECOND
    content = (folder / "questionnaire" / "questionnaire.en.pdf").read_bytes()
    assert content.startswith(b"%PDF")


def test_a_questionnaire_in_both_languages_is_named_twice() -> None:
    paths = [f"files/x/questionnaire/questionnaire.{language}.pdf" for language in ("zh", "en")]
    assert [each.path for each in list_documents(paths, "files/x/", translator("zh"))] == paths
