"""The quality report of a release: signed with it, built again to the byte, honest about gaps."""

import io
import re
from datetime import timedelta

import docx
import pytest
from sqlmodel import select

from survey.access.principal import AccessDeniedError
from survey.release.archives import read_archived_files
from survey.release.current_quality import make_quality_report
from survey.release.file_builders import FIGURES_FILE
from survey.release.reproduction import reproduce_publication
from survey.release.wave_statements import save_statement
from survey.reports.report_service import ReportFile, ReportFormat
from survey.settings import Settings
from survey.store.engine import read_scope, session_scope
from survey.store.tables import Publication
from survey.store.tables.publications import WaveStatementData
from tests.error_codes import raises_code
from tests.pdf_reading import render, run_poppler, squeeze
from tests.publish.publications.register_steps import (
    KEY,
    MINUTE,
    PLANNED,
    WAVE,
    person,
    publish,
    read,
    signed,
)
from tests.work_of import work_of

HEADS = (
    "Institutional environment", "Relevance", "Accuracy and reliability",
    "Timeliness and punctuality", "Coherence and comparability", "Accessibility and clarity",
    "Cost and burden", "Confidentiality", "Revisions",
)  # fmt: skip
BUILDERS = ("figures", "quality")


def record(store: Settings, name: str, hours: int = 0) -> None:
    principal = person(store, "lin")
    with session_scope(store.store_url) as session:
        work = work_of(session, principal, PLANNED + timedelta(hours=hours), settings=store)
        save_statement(work, wave_key=WAVE, data=WaveStatementData(statistician=name))


def make(store: Settings, form: ReportFormat, language: str = "en", who: str = "lin") -> ReportFile:
    principal = person(store, who)
    with session_scope(store.store_url) as session:
        work = work_of(session, principal, MINUTE, settings=store)
        return make_quality_report(work, key=KEY, form=form, language=language)


def test_it_is_signed_with_the_release_and_built_again_whatever_was_recorded_since(
    store: Settings,
) -> None:
    record(store, "Lin, who was responsible")
    signed(store, builders=BUILDERS, public=True)
    record(store, "Wang, who came later", hours=5)
    publish(store)
    archived = read_archived_files(store, read(store, select(Publication)))
    text = run_poppler("pdftotext", archived["quality/quality.en.pdf"])
    assert all(squeeze(head) in squeeze(text) for head in HEADS)
    assert "Lin, who was responsible" in text
    assert "Wang" not in text
    assert "Not released" not in text
    assert "not known, because nobody has recorded it" in " ".join(text.split())
    assert "机构环境" in squeeze(run_poppler("pdftotext", archived["quality/quality.zh.pdf"]))
    nation = next(line for line in archived[FIGURES_FILE].decode().splitlines()
                  if "-CN-composite-all-score" in line).split(",")  # fmt: skip
    said = re.search(r"Composite score of all: ([\d.]+) points, 95% interval ([\d.]+) to ([\d.]+)",
                     " ".join(text.split()))  # fmt: skip
    assert said is not None
    assert said.groups() == tuple(nation[7:10])
    with read_scope(store.store_url) as session:
        work = work_of(session, person(store, "lin"), MINUTE, settings=store)
        again = reproduce_publication(work, key=KEY)
    assert not again.findings


def test_as_known_now_it_is_word_or_pdf_for_screen_readers(store: Settings) -> None:
    signed(store, builders=BUILDERS)
    assert "Not released" in run_poppler("pdftotext", make(store, ReportFormat.PDF).content)
    publish(store)
    record(store, "Wang, who came later", hours=60)
    pdf = make(store, ReportFormat.PDF).content
    assert "Not released" not in run_poppler("pdftotext", pdf)
    assert b"pdfuaid:part>1<" in pdf
    structure = render("pdfinfo", pdf, "-struct").decode(errors="replace")
    assert len(re.findall(r"^ *H2 ", structure, re.MULTILINE)) == len(HEADS)
    document = docx.Document(io.BytesIO(make(store, ReportFormat.DOCX).content))
    heads = [each.text for each in document.paragraphs if each.style.name == "Heading 2"]
    assert heads == list(HEADS)
    cells = [cell.text for table in document.tables for cell in table._cells]
    assert "Wang, who came later" not in cells  # recorded an hour after this moment


def test_slides_and_strangers_are_refused(store: Settings) -> None:
    signed(store, builders=BUILDERS)
    with raises_code("report_impossible"):
        make(store, ReportFormat.PPTX)
    with pytest.raises(AccessDeniedError):
        make(store, ReportFormat.PDF, who="city")
