"""Many reports at once: worker processes make the same files, with no more rights."""

import io
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime

import docx
import pytest
from PIL import Image
from pptx import Presentation
from sqlmodel import select

from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.collection.importing.rejections import ImportCancelledError
from survey.reports import report_batch
from survey.reports.contents import ReportKind, ReportPublisher
from survey.reports.report_batch import make_report_files
from survey.reports.report_service import (
    ReportFormat,
    ReportOrder,
    ReportWaves,
    make_report_file,
    open_report_waves,
    read_report_waves,
)
from survey.settings import Settings
from survey.store.engine import session_scope
from survey.store.tables import Publication, Shown, Wave, WaveState, new_id
from tests.pdf_reading import read_pages, squeeze

CITIES = ("320100", "320200", "320500")


@pytest.fixture
def waves(synthetic_waves: Settings) -> ReportWaves:
    return read_report_waves(synthetic_waves, "main-2024")


@pytest.fixture
def with_workers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(report_batch, "_count_workers", lambda _reports: 2)


def orders(form: ReportFormat = ReportFormat.DOCX) -> list[ReportOrder]:
    return [ReportOrder(ReportKind.CITY, code, form, "zh") for code in CITIES]


def test_the_contact_of_a_release_is_taken_where_the_settings_name_none(
    synthetic_waves: Settings,
) -> None:
    order = ReportOrder(ReportKind.CITY, CITIES[0], ReportFormat.DOCX, "zh")
    with session_scope(synthetic_waves.store_url) as session:
        wave = session.exec(select(Wave).where(Wave.key == "main-2024")).one()
        for key, contact in (("main-2024-1", "earlier desk"), ("main-2024-2", "press desk 010")):
            session.add(
                Publication(
                    key=key, wave_id=wave.id, title_zh="x", title_en="x", shown=Shown.SCORES,
                    contact=contact, embargo_until=datetime(2025, 1, 1, tzinfo=UTC),
                    planned_at=datetime(2025, 1, int(key[-1]), tzinfo=UTC),
                )
            )  # fmt: skip
            session.flush()
        waves = open_report_waves(synthetic_waves, session, "main-2024")
        session.rollback()
    for settings, named in (
        (synthetic_waves, "press desk 010"),
        (synthetic_waves.model_copy(update={"report_contact": "own desk"}), "own desk"),
    ):
        content = make_report_file(settings, waves, principal=OPERATOR, order=order).content
        text = "\n".join(each.text for each in docx.Document(io.BytesIO(content)).paragraphs)
        assert f"联系人 {named}" in text


def test_the_publisher_of_a_release_stands_on_letter_and_slides(
    synthetic_waves: Settings, waves: ReportWaves
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 100), (190, 60, 50)).save(buffer, "JPEG")
    publisher = ReportPublisher("某市消费者协会", "12315", buffer.getvalue())
    named = replace(waves, publisher=publisher)

    def make(form: ReportFormat, given: ReportWaves) -> bytes:
        order = ReportOrder(ReportKind.CITY, CITIES[0], form, "zh")
        return make_report_file(synthetic_waves, given, principal=OPERATOR, order=order).content

    word = docx.Document(io.BytesIO(make(ReportFormat.DOCX, named)))
    assert word.paragraphs[1].text == publisher.organisation
    pictures = [
        each.target_part.blob for each in word.part.rels.values() if "image" in each.reltype
    ]
    assert publisher.logo in pictures
    cover = Presentation(io.BytesIO(make(ReportFormat.PPTX, named))).slides[0]
    assert publisher.logo in [each.image.blob for each in cover.shapes if hasattr(each, "image")]
    assert publisher.organisation in [each.text for each in cover.shapes if each.has_text_frame]
    pdf = make(ReportFormat.PDF, named)
    printed = squeeze("".join(each.text for each in read_pages(pdf)[0]))
    assert squeeze(publisher.organisation) in printed
    assert b"/DCTDecode" in pdf, "a JPEG"
    without = docx.Document(io.BytesIO(make(ReportFormat.DOCX, waves)))
    assert without.paragraphs[0].style.name == "Title"
    assert b"/DCTDecode" not in make(ReportFormat.PDF, waves)


@pytest.mark.slow
def test_workers_make_the_same_bytes_in_the_same_order(
    synthetic_waves: Settings, waves: ReportWaves, with_workers: Callable[[], None]
) -> None:
    here = make_report_files(synthetic_waves, waves, principal=OPERATOR, orders=orders())
    with_workers()
    seen: list[tuple[int, int]] = []
    there = make_report_files(
        synthetic_waves,
        waves,
        principal=OPERATOR,
        orders=orders(),
        tick=lambda done, total: seen.append((done, total)),
    )
    assert [file.name for file in there] == [f"main-2024-city-{code}-zh.docx" for code in CITIES]
    assert there == here
    assert list(dict.fromkeys(seen)) == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.slow
def test_workers_refuse_another_city_as_this_process_does(
    synthetic_waves: Settings, waves: ReportWaves, with_workers: Callable[[], None]
) -> None:
    with_workers()
    principal = Principal(new_id(), "Lin", Role.CITY_OFFICIAL, CITIES[2], is_demo=True)
    results = copy(waves.results)
    results.wave = replace(results.wave, state=WaveState.FROZEN, shown=Shown.NOTHING)
    unreleased = replace(waves, results=results)
    with pytest.raises(AccessDeniedError):
        make_report_files(synthetic_waves, unreleased, principal=principal, orders=orders())


def test_a_cancelled_batch_raises_what_the_tick_raised(
    synthetic_waves: Settings, waves: ReportWaves, with_workers: Callable[[], None]
) -> None:
    with_workers()

    told: list[int] = []

    def cancel(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise ImportCancelledError

    with pytest.raises(ImportCancelledError):
        make_report_files(
            synthetic_waves, waves, principal=OPERATOR, orders=orders(ReportFormat.PDF), tick=cancel
        )
    assert told == [0, 0], "it need not wait for the first report"


def test_few_reports_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1, 2, 3})
    assert report_batch._count_workers(1) == 1
    assert report_batch._count_workers(11) == 1
    assert report_batch._count_workers(12) == 2
    assert report_batch._count_workers(100) == 2
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0})
    assert report_batch._count_workers(100) == 1
