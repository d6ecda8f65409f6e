"""What a figure comes from has a name that changes with it, wherever figures are handed out."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from sqlmodel import select

from survey.access.principal import OPERATOR
from survey.access.roles import NATION, Role
from survey.figures.office_zip import write_zip
from survey.figures.tables.published_tables import build_records
from survey.figures.views import method as method_views
from survey.locale import translator
from survey.release import file_builders
from survey.release.reproduction import (
    DifferenceKind,
    Reproduction,
    compare_contents,
    reproduce_publication,
)
from survey.release.signing_keys import add_key_to_file, register_key
from survey.release.verify import Finding
from survey.reports import docx_file, report_service
from survey.reports.contents import ReportKind
from survey.reports.report_service import ReportFormat, ReportOrder
from survey.reports.rule_check import SentenceRules, read_rules
from survey.results import WaveResults
from survey.results.freeze import freeze_wave
from survey.results.snapshots import CELLS, METHOD, RANK_PAIRS, get_newest_snapshot
from survey.results.wave_results import open_snapshot
from survey.settings import Settings
from survey.snapshots.seals import SnapshotDraft
from survey.snapshots.snapshot_files import FreezeOptions, parquet_bytes
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, Snapshot
from tests.publish.publications.register_steps import (
    MINUTE,
    PLANNED,
    REASON,
    files,
    plan,
    publish,
    sign,
)
from tests.small_waves import KEY, small_instrument, small_tree, small_wave, store_people
from tests.work_of import work_of

RELEASE, CORRECTION = f"{KEY}-1", f"{KEY}-2"
PRINTED = (".docx", ".xlsx")
"""Ends of the files that say what they come from: a report and a workbook."""
BUILDERS = ("figures", "nation-report:en:docx", "workbook:en")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wave that is frozen for good, and nothing announced."""
    folder = tmp_path_factory.mktemp("figures")
    wave = small_wave(
        folder / "data", instrument=small_instrument(few_groups=True), tree=small_tree()
    )
    store_people(wave, {"110000": 30, "310000": 30})
    freeze_wave(wave.settings, wave_key=KEY, actor=OPERATOR, options=FreezeOptions(final=True))
    with session_scope(wave.settings.store_url) as session:
        for login in ("lin", "wang"):
            role = Role.NATIONAL_OFFICIAL
            session.add(Account(login=login, name=login.title(), role=role, area=NATION))
        key = add_key_to_file(folder / "release.key")
        register_key(work_of(session, OPERATOR, PLANNED), public_key=key.public_bytes)
    dispose_engines()
    return folder


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Settings]:
    folder = tmp_path / "copy"
    shutil.copytree(template, folder)
    yield Settings(
        database_url="",
        data_dir=folder / "data",
        release_key_file=folder / "release.key",
        _env_file=None,
    )
    dispose_engines()


def newest(store: Settings) -> WaveResults:
    with read_scope(store.store_url) as session:
        return open_snapshot(store, session, *get_newest_snapshot(session, KEY))


def reproduce(store: Settings, key: str = RELEASE) -> Reproduction:
    with read_scope(store.store_url) as session:
        return reproduce_publication(work_of(session, OPERATOR, settings=store), key=key)


def read_texts(file: bytes) -> str:
    """Return all that a report or a workbook says."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        if "word/document.xml" in archive.namelist():
            return archive.read("word/document.xml").decode()
    book = load_workbook(io.BytesIO(file), read_only=True)
    return " ".join(str(cell) for sheet in book for row in sheet.values for cell in row)


def sign_first(store: Settings) -> None:
    plan(store, wave=KEY, builders=BUILDERS)
    for who in ("lin", "wang"):
        sign(store, who, key=RELEASE)


def publish_correction(store: Settings) -> None:
    later = MINUTE + timedelta(days=2)
    plan(store, at=MINUTE, wave=KEY, embargo_until=later, builders=BUILDERS, corrects=RELEASE,
         reason=REASON)  # fmt: skip
    for who in ("lin", "wang"):
        sign(store, who, MINUTE + timedelta(hours=1), CORRECTION)
    publish(store, at=later, key=CORRECTION)


@pytest.mark.slow
def test_a_correction_of_the_same_interviews_is_identified_as_another_set_of_figures(
    store: Settings,
) -> None:
    sign_first(store)
    publish(store, key=RELEASE)
    first = newest(store)
    freeze_wave(store, wave_key=KEY, actor=OPERATOR, options=FreezeOptions(final=True))
    publish_correction(store)
    second = newest(store)
    assert first.wave.snapshot_sha256 == second.wave.snapshot_sha256
    names = [each.wave.seal_sha256 for each in (first, second)]
    assert len(set(names)) == 2
    for results, key, other in ((first, RELEASE, names[1]), (second, CORRECTION, names[0])):
        own = results.wave.seal_sha256
        cells = results.cells(OPERATOR, area_level="nation").head(1)
        (record,) = build_records(results, cells, "en", with_origin=True)
        assert record["figures_sha256"] == own
        contents = files(store, key)
        printed = [path for path in contents if path.endswith(PRINTED)]
        assert len(printed) == len(PRINTED)
        for path in printed:
            text = read_texts(contents[path])
            assert own in text, (key, path)
            assert other not in text, (key, path)
        assert own.encode() in contents["release.json"]
        assert (reproduce(store, key).findings, reproduce(store, key).is_same_snapshot) == (
            (),
            True,
        )


@pytest.mark.slow
def test_results_computed_again_are_said_once_and_hide_no_other_difference(store: Settings) -> None:
    """The same pairs in other bytes: no file prints them, so no file differs."""
    sign_first(store)
    with session_scope(store.store_url) as session:
        folder = store.snapshot_dir / session.exec(select(Snapshot)).one().directory
        draft = SnapshotDraft(store)
        again = io.BytesIO()
        pq.write_table(pq.read_table(folder / RANK_PAIRS), again, compression="gzip")
        assert again.getvalue() != (folder / RANK_PAIRS).read_bytes()
        draft.write(folder / RANK_PAIRS, again.getvalue())
        draft.seal(session, whole=folder, actor=OPERATOR, now=PLANNED)
        draft.install()
    result = reproduce(store)
    assert (result.findings, result.is_same_snapshot) == ((), False)


@pytest.mark.slow
def test_a_release_of_an_older_version_is_reproduced_with_its_differences_named(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It named the interviews alone."""
    known = method_views._list_snapshot_facts

    def list_older_facts(*given: object) -> tuple[tuple[str, str], ...]:
        facts = known(*given)  # type: ignore[arg-type]
        assert any("Figures" in name for name, _ in facts)
        return tuple(fact for fact in facts if "Figures" not in fact[0])

    with monkeypatch.context() as older:
        older.setattr(method_views, "_list_snapshot_facts", list_older_facts)
        sign_first(store)
    result = reproduce(store)
    # Of the reports, the method names the sources.
    assert {finding.file for finding in result.findings} == {
        f"reports/{KEY}-method-CN-en.pdf", "tables/tables.en.xlsx",
    }  # fmt: skip
    assert result.is_same_snapshot
    assert "figures.csv" in result.same


def rewrite(store: Settings, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file of the newest snapshot, and seal it as it is then."""
    with session_scope(store.store_url) as session:
        folder = store.snapshot_dir / session.exec(select(Snapshot)).one().directory
        draft = SnapshotDraft(store)
        draft.write(folder / name, change((folder / name).read_bytes()))
        draft.seal(session, whole=folder, actor=OPERATOR, now=PLANNED)
        draft.install()


def without_bases(method: bytes) -> bytes:
    """The method as it was written before rates of one question were looked at together."""
    known = json.loads(method)
    for name in ("bases", "not_reached"):
        del known["interval_audit"][name]
    return json.dumps(known).encode()


def hide_city(cells: bytes) -> bytes:
    table = pd.read_parquet(io.BytesIO(cells))
    hidden = table["area"].astype(str) == "110000"
    table.loc[hidden, ["estimate", "ci_low", "ci_high"]] = np.nan
    table.loc[hidden, "shown"] = False
    return parquet_bytes(table)


@pytest.mark.slow
def test_what_an_earlier_version_made_otherwise_is_said_in_words(
    store: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sentences, its script and its figures, in the order of what they mean to readers."""
    rewrite(store, METHOD, without_bases)
    script = tmp_path / "verify.py"
    script.write_text("# an earlier script")
    rules = read_rules()
    headline = rules.texts["headline", "interval"]["en"]
    said = {"zh": "", "en": f"Beyond doubt: {headline}"}
    older = {**rules.texts, ("headline", "interval"): said}
    with monkeypatch.context() as earlier:
        earlier.setattr(file_builders, "verify", SimpleNamespace(__file__=str(script)))
        earlier.setattr(report_service, "read_rules", lambda *_: SentenceRules(older))
        earlier.setattr(docx_file, "_set_language", lambda *_: None)
        sign_first(store)
    whole = reproduce(store)
    told = "\n".join(map(str, whole.differences))
    assert {finding.file for finding in whole.findings} == {
        "verify.py", f"reports/{KEY}-nation-CN-en.docx",
    }  # fmt: skip
    assert "before rates of one question were protected together" in told
    assert "some cities was called the nation" in told
    assert "worded differently, with the same figures" in told
    assert "“Beyond doubt: " in told
    assert "English wording" in told
    assert "script with which strangers check" in told
    assert "figures are" not in told


@pytest.mark.slow
def test_reports_from_before_the_method_had_a_file_of_its_own_say_so(
    store: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        order = ReportOrder(ReportKind.NATION, NATION, ReportFormat.DOCX, "en")
        earlier.setattr(file_builders, "order_method", lambda _language: order)
        sign_first(store)
    whole = reproduce(store)
    assert whole.findings == (Finding(f"reports/{KEY}-method-CN-en.pdf", "unlisted"),)
    assert "had no letter" in "\n".join(map(str, whole.differences))


@pytest.mark.slow
def test_figures_that_are_hidden_since_are_counted_and_named(store: Settings) -> None:
    sign_first(store)
    before = files(store, RELEASE)["figures.csv"].decode()
    rewrite(store, CELLS, hide_city)
    whole = reproduce(store)
    assert not whole.is_same_snapshot
    (hidden,) = [text for text in map(str, whole.differences) if "hidden now" in text]
    gone = [line for line in before.splitlines() if f"{KEY}-110000-" in line and "-score," in line]
    assert hidden.startswith(str(len(gone)))
    assert gone[0].partition(",")[0] in hidden
    assert not any("shown now" in str(text) for text in whole.differences)
    assert all(translator("zh")(text) != str(text) for text in whole.differences)


def test_the_same_words_in_another_form_are_no_other_words(store: Settings) -> None:
    sign_first(store)
    (report,) = [data for path, data in files(store, RELEASE).items() if path.endswith(".docx")]
    with zipfile.ZipFile(io.BytesIO(report)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    styled = {**members, "word/styles.xml": members["word/styles.xml"] + b" "}
    added = members["word/document.xml"].replace(b"60", b"61")
    told = [
        compare_contents("reports/a.docx", report, write_zip(other)).kind
        for other in (styled, {**members, "word/document.xml": added})
    ]
    assert told == [DifferenceKind.FORM, DifferenceKind.FIGURES]
    assert compare_contents("reports/a.pdf", b"1", b"2").kind is DifferenceKind.UNREAD
