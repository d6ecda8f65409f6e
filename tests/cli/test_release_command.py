"""`survey release`, `survey verify` and `survey reproduce`: a release as two people make it."""

import csv
import io
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from sqlalchemy import update
from sqlmodel import select

from survey.access import work
from survey.access.principal import OPERATOR, Principal
from survey.access.roles import NATION, Role
from survey.cli import release
from survey.figures.office_zip import write_zip
from survey.release.early_readers import open_publication
from survey.release.signatures import sign_publication
from survey.results import tables
from survey.results.analysis import HIGHER, add_verdicts
from survey.results.disclosure_inputs import protected_cells
from survey.results.freeze import freeze_wave
from survey.settings import current_settings
from survey.snapshots.snapshot_files import FreezeOptions, WithoutPoint
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import Account, AuditEntry, Publication, PublicationErratum, table_of
from tests.conftest import MakeOnce
from tests.small_waves import KEY, small_wave, store_people
from tests.work_of import work_of

Survey = Callable[..., Result]
RELEASE, CORRECTION = f"{KEY}-1", f"{KEY}-2"
ANNOUNCED = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
TITLES = ("--title-zh", "测评", "--title-en", "Survey", "--contact", "Lin, 010-0000")
CITIES = {"110000": 60, "310000": 50, "320100": 40, "320500": 40, "440100": 40}
HOUR = timedelta(hours=1)


class Clock(datetime):
    """What the commands take for the present."""

    present = ANNOUNCED - 2 * HOUR

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.present


@dataclass(frozen=True)
class Desk:
    """The commands of the operator, a colleague in the browser, and the clock."""

    survey: Survey
    colleague: Principal
    folder: Path

    def at(self, moment: datetime) -> None:
        Clock.present = moment

    def done(self, *arguments: str) -> str:
        """Run a command that has to work; return what it prints."""
        result = self.survey(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *arguments: str, code: int = 1) -> str:
        result = self.survey(*arguments)
        assert result.exit_code == code, result.output
        return result.output

    def plan(self, at: str = "2026-11-30 10:00", *more: str) -> str:
        return self.done("release", "plan", "--wave", KEY, "--at", at, *TITLES, *more).strip()

    def second_signature(self, key: str = RELEASE) -> None:
        sign_publication(
            current_settings(), principal=self.colleague, key=key, clock=lambda: Clock.present
        )

    def signed(self, *more: str, at: str = "2026-11-30 10:00", key: str = RELEASE) -> None:
        assert self.plan(at, *more) == key
        self.done("release", "sign", key)
        self.second_signature(key)

    def freeze_again(self) -> None:
        """Freeze the same interviews anew, as two people may once the wave is released."""
        freeze_wave(
            current_settings(),
            wave_key=KEY,
            actor=OPERATOR,
            options=FreezeOptions(final=True, without_point=WithoutPoint.STRATUM),
        )

    def listed(self) -> dict[str, dict[str, str]]:
        rows = json.loads(self.survey("release", "list", "--format", "json").stdout)
        return {row["id"]: row for row in rows}

    def fetched(self, key: str = RELEASE) -> Path:
        out = self.folder / f"{key}.zip"
        self.done("release", "fetch", key, "--out", str(out))
        return out


@pytest.fixture(scope="session")
def frozen_wave(make_once: MakeOnce) -> Path:
    """The folder of a store with a small wave that is frozen for good, as shared."""

    def fill(folder: Path) -> None:
        made = small_wave(folder)
        store_people(made, CITIES)
        freeze_wave(
            made.settings,
            wave_key=KEY,
            actor=OPERATOR,
            options=FreezeOptions(final=True, without_point=WithoutPoint.STRATUM),
        )

    return make_once("frozen-small-wave", fill)


@pytest.fixture
def desk(
    survey: Survey, frozen_wave: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    shutil.copytree(frozen_wave, tmp_path / "data")
    monkeypatch.setenv("SURVEY_RELEASE_KEY_FILE", str(tmp_path / "release.key"))
    for module in (release, work):
        monkeypatch.setattr(module, "datetime", Clock)
    monkeypatch.setattr(Clock, "present", ANNOUNCED - 2 * HOUR)
    current_settings.cache_clear()
    account = Account(login="wang", name="Wang", role=Role.NATIONAL_OFFICIAL, area=NATION)
    with session_scope(current_settings().store_url) as session:
        session.add(account)
    colleague = Principal(account.id, "Wang", Role.NATIONAL_OFFICIAL, NATION)
    made = Desk(survey, colleague, tmp_path)
    made.done("release", "key", "new", "--out", str(tmp_path / "release.key"))
    yield made
    dispose_engines()


def test_from_the_announcement_to_a_file_that_a_stranger_checks(desk: Desk) -> None:
    assert desk.plan() == RELEASE
    row = desk.listed()[RELEASE]
    assert (row["state"], row["wave"], row["first"]) == ("planned", KEY, "")
    assert "10:00" in row["announced"]
    first = desk.done("release", "sign", RELEASE)
    assert "Another person gives the second signature" in first
    assert desk.listed()[RELEASE]["first"] == "operator"
    desk.second_signature()
    row = desk.listed()[RELEASE]
    assert (row["state"], row["second"]) == ("signed", "Wang")
    desk.at(ANNOUNCED)
    assert f"{RELEASE} is published" in desk.done("release", "publish", RELEASE)
    assert desk.listed()[RELEASE]["state"] == "published"
    archive, keys = desk.fetched(), desk.folder / "keys.json"
    desk.done("release", "key", "export", "--out", str(keys))
    assert RELEASE in desk.done("verify", "--keys", str(keys), str(archive))
    again = desk.done("reproduce", RELEASE)
    assert "files are the same, byte for byte" in again


def test_a_changed_byte_is_named(desk: Desk) -> None:
    desk.signed()
    folder, keys = desk.folder / "unpacked", desk.folder / "keys.json"
    desk.done("release", "key", "export", "--out", str(keys))
    with ZipFile(desk.fetched()) as archive:
        archive.extractall(folder)
    desk.done("verify", "--keys", str(keys), str(folder))
    file = folder / "figures.csv"
    manifest = json.loads((folder / "release.json").read_bytes())
    (size,) = [each["block_size"] for each in manifest["files"] if each["path"] == file.name]
    first = 1500 // size * size
    data = bytearray(file.read_bytes())
    data[1500] ^= 1
    file.write_bytes(data)
    for path in (folder, file):
        named = desk.refused("verify", "--keys", str(keys), str(path))
        assert "figures.csv" in named
        assert f"{first}–{first + size - 1}" in named
    other = folder / "tables" / "nation.en.csv"
    desk.done("verify", "--keys", str(keys), str(other))
    desk.refused("verify", "--keys", str(keys), str(other), str(file))


DOCUMENTS = (
    "figures,workbook,tidy:zh,codebook,nation-report,province-reports:zh:docx,city-reports:en:pdf"
)


@pytest.fixture
def time_zone() -> Iterator[Callable[[str], None]]:
    """Sets the time zone of the process; afterwards it is as before."""
    with pytest.MonkeyPatch.context() as patch:

        def change(name: str) -> None:
            patch.setenv("TZ", name)
            time.tzset()

        yield change
    time.tzset()


@pytest.mark.slow
def test_reports_codebook_and_workbook_are_built_again_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, time_zone: Callable[[str], None]
) -> None:
    desk.signed("--files", DOCUMENTS)
    archive, folder = desk.fetched(), desk.folder / "unpacked"
    with ZipFile(archive) as files:
        names = set(files.namelist())
        files.extractall(folder)
        approved = json.loads(files.read("release.json"))["approved"]
    assert ",".join(approved) == DOCUMENTS
    assert names == {
        "release.json", "release.sig", "verify.py", "figures.csv", "labels.json", "indicators.csv",
        "tables/tables.zh.xlsx", "tables/tables.en.xlsx", "tables/tidy.zh.csv",
        *(f"codebook/codebook.{way}.{form}" for way in ("zh", "en")
          for form in ("xlsx", "html", "xml")),
        *(f"reports/{KEY}-nation-CN-{way}.{form}" for way in ("zh", "en")
          for form in ("docx", "pdf", "pptx")),
        *(f"reports/{KEY}-province-{code}-zh.docx" for code in ("11", "31", "32", "44")),
        *(f"reports/{KEY}-city-{code}-en.pdf" for code in CITIES),
        *(f"reports/{KEY}-method-CN-{way}.pdf" for way in ("zh", "en")),
    }  # fmt: skip
    desk.done("verify", str(archive))
    # A day later, on a machine in another time zone, with other settings of the reports.
    time_zone("America/Lima")
    desk.at(ANNOUNCED + 24 * HOUR)
    assert "30 files are the same" in desk.done("reproduce", RELEASE)
    monkeypatch.setenv("SURVEY_REPORT_ORGANISATION", "Another office")
    current_settings.cache_clear()
    told = desk.refused("reproduce", RELEASE)
    report = f"reports/{KEY}-nation-CN-zh.docx"
    (line,) = [line for line in told.splitlines() if line.startswith(report)]
    assert "word/document.xml" in line
    assert "now “Another office" in told
    assert "codebook" not in told
    changed = folder / "reports" / f"{KEY}-province-32-zh.docx"
    with ZipFile(changed) as parts:
        members = {name: parts.read(name) for name in parts.namelist()}
    members["word/document.xml"] = members["word/document.xml"].replace(b"</w:t>", b"!</w:t>", 1)
    changed.write_bytes(write_zip(members))
    told = desk.refused("verify", str(changed))
    assert f"{KEY}-province-32-zh.docx" in told
    assert "word/document.xml" in told
    assert "docProps" not in told


def test_nothing_goes_out_before_its_minute(desk: Desk) -> None:
    desk.signed()
    for early in (2 * HOUR, timedelta(microseconds=1)):
        desk.at(ANNOUNCED - early)
        assert "nothing is published before" in desk.refused("release", "publish", RELEASE)
    assert desk.listed()[RELEASE]["state"] == "signed"
    desk.at(ANNOUNCED)
    desk.done("release", "publish", RELEASE)
    assert "published before" in desk.refused("release", "publish", RELEASE)


def test_one_person_never_signs_twice(desk: Desk) -> None:
    desk.plan()
    desk.done("release", "sign", RELEASE)
    assert "yourself" in desk.refused("release", "sign", RELEASE)
    desk.second_signature()
    assert "is signed" in desk.refused("release", "sign", RELEASE)


def test_steps_in_the_wrong_order_are_refused_and_change_nothing(desk: Desk) -> None:
    for step in ("sign", "publish"):
        assert RELEASE in desk.refused("release", step, RELEASE)
    desk.refused("reproduce", RELEASE)
    desk.plan()
    desk.at(ANNOUNCED)
    assert "not signed" in desk.refused("release", "publish", RELEASE)
    assert "not open" in desk.refused(
        "release", "fetch", RELEASE, "--out", str(desk.folder / "x.zip")
    )
    assert not (desk.folder / "x.zip").exists()
    assert "Nobody has signed" in desk.refused("reproduce", RELEASE)
    desk.done("release", "sign", RELEASE)
    assert "not signed" in desk.refused("release", "publish", RELEASE)
    assert desk.listed()[RELEASE]["state"] == "planned"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        (("--at", "2026-11-30 07:00"), "lie ahead"),
        (("--files", "figures,nonsense"), "any of these"),
        (("--files", "tables"), "any of these"),
        (("--contact", " "), "filled in"),
        (("--corrects", "small-2026-7", "--reason", "A mistake"), "correction"),
        (("--show", "names"), "first places"),
        (("--wave", "none-2026"), "none-2026"),
    ],
)
def test_odd_announcements_are_said(desk: Desk, changes: tuple[str, ...], word: str) -> None:
    known = ("--wave", KEY, "--at", "2026-11-30 10:00", *TITLES)
    assert word in " ".join(desk.refused("release", "plan", *known, *changes).split())
    assert desk.listed() == {}


def test_one_signature_is_not_listed_as_two(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.plan("2026-11-30 10:00")
    monkeypatch.setenv("SURVEY_TWO_PERSON_FREEZE", "0")
    current_settings.cache_clear()
    desk.done("release", "sign", RELEASE)
    row = desk.listed()[RELEASE]
    assert (row["first"], row["second"], row["one_person"]) == ("operator", "", "off")


def test_a_second_announcement_and_the_older_command_wait(desk: Desk) -> None:
    desk.plan()
    known = ("--wave", KEY, "--at", "2026-11-30 10:00", *TITLES)
    assert RELEASE in desk.refused("release", "plan", *known)
    assert RELEASE in desk.refused("release", "wave", "--wave", KEY, "--show", "scores")


def test_an_early_reader_is_listed_with_the_hour(desk: Desk) -> None:
    with session_scope(current_settings().store_url) as session:
        account = Account(login="gao", name="Gao", role=Role.CITY_OFFICIAL, area="320500")
        session.add(account)
    reader = Principal(account.id, "Gao", Role.CITY_OFFICIAL, "320500")
    desk.signed()
    listing = ("release", "reader", "add", RELEASE, "--account", "gao", "--from")
    assert "few words" in desk.refused(*listing, "2026-11-30 09:00", "--reason", "x")
    desk.done(*listing, "2026-11-30 09:00", "--reason", "Answers the press")
    assert "already" in desk.refused(*listing, "2026-11-30 08:30", "--reason", "Wants it sooner")
    (row,) = json.loads(
        desk.survey("release", "reader", "list", RELEASE, "--format", "json").stdout
    )
    assert (row["login"], row["reason"], "09:00" in row["from"]) == (
        "gao", "Answers the press", True,
    )  # fmt: skip
    settings = current_settings()
    with session_scope(settings.store_url) as session:
        opened = open_publication(
            work_of(session, reader, ANNOUNCED - HOUR, settings=settings), key=RELEASE
        )
    assert opened[:2] == b"PK"
    with read_scope(settings.store_url) as session:
        actions = set(session.exec(select(AuditEntry.action)))
    assert {"release.reader_listed", "view.early_release"} <= actions


def test_what_is_taken_back_is_genuine_no_more(desk: Desk) -> None:
    desk.signed()
    desk.at(ANNOUNCED)
    desk.done("release", "publish", RELEASE)
    archive = desk.fetched()
    assert "few words" in desk.refused("release", "retract", RELEASE, "--reason", "x")
    desk.done("verify", str(archive))
    desk.done("release", "retract", RELEASE, "--reason", "A weight was wrong")
    assert desk.listed()[RELEASE]["state"] == "retracted"
    assert "taken this release back" in desk.refused("verify", str(archive))
    again = desk.refused("release", "retract", RELEASE, "--reason", "A weight was wrong")
    assert "does not stand" in again


def test_a_reproduction_says_what_differs(desk: Desk) -> None:
    desk.signed()
    with session_scope(current_settings().store_url) as session:
        session.connection().execute(update(table_of(Publication)).values(contact="Wang, 1"))
    told = desk.refused("reproduce", RELEASE)
    assert "tables/nation.zh.csv" in told
    assert "figures.csv" not in told


def mended(lifted: str, hidden: str) -> Callable[..., pd.DataFrame]:
    """Cells as another version computes them: one city scores a point more, another is hidden."""

    def compute(*given: Any) -> pd.DataFrame:
        cells = protected_cells(*given)
        shown = cells["shown"].to_numpy(dtype=bool)
        area = cells["area"].astype(str).to_numpy()
        for name in ("estimate", "ci_low", "ci_high"):
            cells.loc[shown & (area == lifted), name] += 1.0
        cells.loc[area == hidden, ["estimate", "se", "ci_low", "ci_high", "df", "deff"]] = np.nan
        cells.loc[area == hidden, "shown"] = False
        return cells

    return compute


def with_another_verdict(area: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Differences from the nation as another rule decides them: one of a city is clear."""

    def decide(table: pd.DataFrame) -> pd.DataFrame:
        decided = add_verdicts(table)
        keys = {"contrast": "nation", "area": area, "group": "all", "indicator": "composite"}
        is_row = np.logical_and.reduce([decided[name].astype(str) == keys[name] for name in keys])
        assert HIGHER not in set(decided.loc[is_row, "verdict"])
        decided.loc[is_row, "verdict"] = HIGHER
        return decided

    return decide


def errata(archive: Path) -> dict[str, dict[str, str]]:
    with ZipFile(archive) as files:
        rows = csv.DictReader(io.StringIO(files.read("errata.csv").decode().partition("\n")[2]))
        return {row["id"]: row for row in rows}


@pytest.mark.slow
def test_a_correction_lists_each_figure_before_and_after(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.signed()
    desk.at(ANNOUNCED)
    desk.done("release", "publish", RELEASE)
    first = desk.fetched()
    with monkeypatch.context() as patch:
        patch.setattr(tables, "protected_cells", mended("320500", "440100"))
        patch.setattr(tables, "add_verdicts", with_another_verdict("320500"))
        refused = " ".join(desk.refused("recompute", "--wave", KEY).split())
        assert f"figures of the published release {RELEASE} would change" in refused
        desk.freeze_again()
    desk.done("reproduce", RELEASE)
    reason = ("--corrects", RELEASE, "--reason", "Suzhou was a point too low")
    desk.signed(*reason, at="2026-12-01 10:00", key=CORRECTION)
    desk.at(ANNOUNCED + 24 * HOUR)
    desk.done("release", "publish", CORRECTION)
    with ZipFile(desk.fetched(CORRECTION)) as archive:
        line = archive.read("errata.csv").decode().splitlines()[0]
        summary = json.loads(archive.read("release.json"))["errata"]
    rows = errata(desk.fetched(CORRECTION))
    assert (summary["figures"], summary["verdicts"], summary["ranks"]) == (len(rows), 1, 0)
    assert f"{len(rows)} published figures changed, among them 2 composite scores" in line
    assert {key.split("-")[2] for key in rows} == {"320500", "440100"}
    lifted = rows[f"{KEY}-320500-composite-all-score"]
    assert float(lifted["estimate_after"]) == round(float(lifted["estimate_before"]) + 1, 1)
    assert (lifted["n_before"], lifted["reason"]) == (lifted["n_after"], reason[-1])
    gone = rows[f"{KEY}-440100-composite-all-score"]
    # What is hidden is not printed once more.
    assert {name for name, value in gone.items() if value} == {"id", "before_release", "reason"}
    with read_scope(current_settings().store_url) as session:
        kept = {row.figure: row for row in session.exec(select(PublicationErratum))}
    assert kept.keys() == rows.keys()
    assert kept[lifted["id"]].before["estimate"] == lifted["estimate_before"]
    assert kept[gone["id"]].after == {}
    states = {key: row["state"] for key, row in desk.listed().items()}
    assert states == {RELEASE: "corrected", CORRECTION: "published"}
    assert desk.fetched().read_bytes() == first.read_bytes()
    keys = desk.folder / "keys.json"
    desk.done("release", "key", "export", "--out", str(keys))
    for given in ((), ("--keys", str(keys))):
        told = desk.done("verify", *given, str(first))
        assert f"the release {CORRECTION} has replaced it" in " ".join(told.split())
        assert "replaced" not in desk.done("verify", *given, str(desk.fetched(CORRECTION)))
    desk.done("reproduce", CORRECTION)
    # What the correction hid stays hidden: two tables that hide different cells tell them together.
    desk.freeze_again()
    again = ("--corrects", CORRECTION, "--reason", "Guangzhou was there")
    third = desk.plan("2026-12-02 10:00", *again)
    desk.done("release", "sign", third)
    desk.second_signature(third)
    with ZipFile(desk.fetched(third)) as archive:
        figures = archive.read("figures.csv").decode()
    # And so are cities that would tell it together with the nation.
    assert f"{KEY}-CN-composite-all-score" in figures
    assert f"{KEY}-440100-composite-all-score" not in figures


def test_a_backup_holds_the_files_of_a_release(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.signed()
    desk.at(ANNOUNCED)
    desk.done("release", "publish", RELEASE)
    before, saved = desk.fetched().read_bytes(), desk.folder / "night.backup"
    assert "ATTENTION" not in desk.done("backup", str(saved))
    desk.done("restore", "--check", str(saved))
    monkeypatch.setenv("SURVEY_DATA_DIR", str(desk.folder / "elsewhere"))
    current_settings.cache_clear()
    desk.done("restore", str(saved))
    assert desk.fetched().read_bytes() == before
    desk.done("reproduce", RELEASE)
    (archive,) = (desk.folder / "elsewhere" / "releases").iterdir()
    archive.write_bytes(before[:-1])
    told = desk.done("backup", str(desk.folder / "later.backup"))
    assert f"the files of release {RELEASE} were missing or changed" in " ".join(told.split())
    # The restore of a whole backup puts them back.
    desk.done("restore", "--replace", str(saved))
    assert archive.read_bytes() == before
