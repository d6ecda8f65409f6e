"""Released checks and tests in the register: signed files, the API, errata and retraction."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from survey.access.api_keys import create_api_key
from survey.access.principal import OPERATOR, AccessDeniedError, Principal
from survey.access.roles import Role
from survey.access.work import operator_work
from survey.comparative_tests.released_grades import (
    confirm_erratum,
    propose_erratum,
    sign_comparative_test,
)
from survey.experience_checks.plan import close_experience_check
from survey.experience_checks.release import sign_experience_check
from survey.experience_checks.replies import send_to_venues
from survey.locale import NotFoundError
from survey.release.evidence_register import (
    file_evidence,
    list_evidence_releases,
    open_evidence_release,
    read_evidence_tables,
    retract_evidence,
)
from survey.release.publishing_steps import build_key_list
from survey.release.signing_keys import SigningKey, SigningKeyError, new_key_line, register_key
from survey.release.verify import main
from survey.settings import Settings
from survey.store.china_time import china_date
from survey.store.engine import dispose_engines, read_scope, session_scope
from survey.store.tables import ComparativeTestState, now
from survey.web.results_openapi import BASE
from survey.web.routes import build_app
from tests.context.comparative_tests import small_test
from tests.context.experience_checks.small_check import START, RunningCheck, employ, start
from tests.error_codes import raises_code
from tests.work_of import work_of

KEY = new_key_line()


@pytest.fixture
def check(sqlite_url: str, tmp_path: Path) -> RunningCheck:
    """A check whose release is over; it has too few venues for any figure."""
    running = start(sqlite_url, tmp_path / "photos", per_type=1)
    row = running.read().venues[0]
    venue = next(each for each in running.venues() if each.code == row.code)
    running.approve(*(running.visit(who, venue.id).response_id for who in row.observers))
    running.do(send_to_venues, due_on=china_date(START) + timedelta(5))
    running.do(close_experience_check)
    return running


@pytest.fixture
def settings(check: RunningCheck) -> Settings:
    found = Settings(
        database_url=check.url, data_dir=check.folder.parent, release_key=KEY, _env_file=None
    )
    with session_scope(check.url) as session:
        register_key(operator_work(session, found), public_key=SigningKey.parse(KEY).public_bytes)
    return found


def release(check: RunningCheck) -> None:
    check.do(sign_experience_check, now=START + timedelta(6))


def file_check(check: RunningCheck, settings: Settings, person: Principal | None = None) -> str:
    return file_evidence(
        settings,
        principal=person or check.official,
        kind="experience_check",
        subject_id=check.id,
        clock=lambda: START + timedelta(7),
    )


def genuine(settings: Settings, content: bytes, folder: Path) -> int:
    """Return what `verify.py` says of an archive by the published list of keys: 0 is genuine."""
    (folder / "release.zip").write_bytes(content)
    with read_scope(settings.store_url) as session:
        (folder / "keys.json").write_bytes(build_key_list(session, settings))
    return main([str(folder / "release.zip"), "--keys", str(folder / "keys.json")])


def forge(content: bytes) -> bytes:
    """Return an archive with other words in one of its tables."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(target, "w") as out:
        for name in archive.namelist():
            out.writestr(name, archive.read(name).replace(b"Score", b"Scare"))
    return target.getvalue()


def test_a_released_check_is_a_signed_archive_that_anybody_can_verify(
    check: RunningCheck, settings: Settings, tmp_path: Path
) -> None:
    with raises_code("experience_check_not_allowed", match="not released"):
        file_check(check, settings)
    release(check)
    key = file_check(check, settings)
    assert key == "check.check-2026-1"
    analyst = employ(check.url, Role.ANALYST, "CN", "yu")
    with read_scope(check.url) as session:
        work = work_of(session, analyst, settings=settings)
        content = open_evidence_release(work, key=key)
        tables = read_evidence_tables(work, key=key, language="zh")
        (listed,) = list_evidence_releases(work)
    assert (listed.key, listed.kind, listed.corrected_by) == (key, "experience_check", "")
    assert not listed.may_sign
    assert genuine(settings, content, tmp_path) == 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = set(archive.namelist())
        manifest = json.loads(archive.read("release.json"))
        scores = archive.read("tables/scores.zh.csv").decode("utf-8-sig")
    assert {"release.sig", "verify.py", "tables.json", "tables/findings.en.csv"} <= names
    assert (manifest["kind"], manifest["key"]) == ("experience_check", "check-2026")
    # Of a single venue there is neither figure nor name.
    assert not any(venue.name in scores for venue in check.venues())
    assert tables["tables"]["scores"]["rows"]
    assert all(row[3:] == ["–", "–"] for row in tables["tables"]["scores"]["rows"]), "kept back"
    assert genuine(settings, forge(content), tmp_path) == 1
    with raises_code("experience_check_not_allowed", match="same files"):
        file_check(check, settings)


def test_only_who_could_sign_it_files_it_or_takes_it_back(
    check: RunningCheck, settings: Settings, tmp_path: Path
) -> None:
    release(check)
    for role, area in (
        (Role.ADMINISTRATOR, "CN"),
        (Role.ANALYST, "CN"),
        (Role.PROVINCE_OFFICIAL, "33"),
    ):
        with pytest.raises((AccessDeniedError, NotFoundError)):
            file_check(check, settings, employ(check.url, role, area, f"x-{role}"))
    assert not list((tmp_path / "releases").glob("*"))
    key = file_check(check, settings)
    with read_scope(check.url) as session:
        content = open_evidence_release(
            work_of(session, check.official, settings=settings), key=key
        )
    analyst = employ(check.url, Role.ANALYST, "CN", "yu")

    def take_back(person: Principal, reason: str) -> None:
        with session_scope(check.url) as session:
            retract_evidence(work_of(session, person, settings=settings), key=key, reason=reason)

    with pytest.raises((AccessDeniedError, NotFoundError)):
        take_back(analyst, "It is wrong.")
    with raises_code("reason_missing"):
        take_back(check.official, " ")
    take_back(check.official, "A visit was invented.")
    assert genuine(settings, content, tmp_path) == 1
    with read_scope(check.url) as session, pytest.raises(AccessDeniedError):
        open_evidence_release(work_of(session, analyst, settings=settings), key=key)
    # What was taken back can be signed again, as a further edition.
    assert file_check(check, settings) == "check.check-2026-2"


def test_without_a_key_nothing_is_filed(check: RunningCheck, tmp_path: Path) -> None:
    release(check)
    bare = Settings(database_url=check.url, data_dir=tmp_path, _env_file=None)
    with pytest.raises(SigningKeyError):
        file_check(check, bare)
    with read_scope(check.url) as session:
        assert list_evidence_releases(work_of(session, check.official)) == []


def test_an_erratum_makes_a_further_edition_that_corrects_the_first(
    sqlite_url: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=sqlite_url, data_dir=tmp_path, release_key=KEY, _env_file=None)
    lin, wang = (
        small_test.employ(sqlite_url, Role.NATIONAL_OFFICIAL, name=name) for name in ("lin", "wang")
    )
    with session_scope(sqlite_url) as session:
        work = operator_work(session, settings)
        register_key(work, public_key=SigningKey.parse(KEY).public_bytes)
    test = small_test.start(sqlite_url, lin, ComparativeTestState.MAKERS_HEARD)

    def file() -> str:
        return file_evidence(
            settings,
            principal=lin,
            kind="comparative_test",
            subject_id=test.id,
            clock=lambda: test.now + timedelta(1),
        )

    def marks(key: str) -> list[float]:
        with read_scope(sqlite_url) as session:
            work = work_of(session, wang, settings=settings)
            tables = read_evidence_tables(work, key=key, language="en")
        return [row[2] for row in tables["tables"]["results"]["rows"]]

    with raises_code("comparative_test_not_allowed", match="not released"):
        file()
    for person in (lin, wang):
        test.change(sign_comparative_test, person)
    first = file()
    assert first.startswith("test.")
    value = small_test.value("S01", "cooking", "25")
    test.change(propose_erratum, lin, value=value, reason="A digit was misread.")
    with raises_code("comparative_test_not_allowed", match="same files"):
        file()
    test.change(confirm_erratum, wang)
    second = file()
    assert marks(first) != marks(second)
    with read_scope(sqlite_url) as session:
        listed = list_evidence_releases(work_of(session, wang, settings=settings))
        published = json.loads(build_key_list(session, settings))
        receipts = open_evidence_release(work_of(session, wang, settings=settings), key=second)
    assert {each.key: each.corrected_by for each in listed} == {first: second, second: ""}
    assert published["corrected"] == [{"id": first, "by": second}]
    with zipfile.ZipFile(io.BytesIO(receipts)) as archive:
        assert b"R-S01" not in b"".join(map(archive.read, archive.namelist()))
        assert json.loads(archive.read("release.json"))["corrects"] == first


def test_programs_read_the_tables_of_an_edition(check: RunningCheck, settings: Settings) -> None:
    release(check)
    key = file_check(check, settings)
    reader = employ(check.url, Role.ANALYST, "CN", "yu")
    with session_scope(check.url) as session:
        word = create_api_key(
            work_of(session, OPERATOR, now()), login=reader.name, name="a test", days=30
        )
    with TestClient(build_app(settings), headers={"Authorization": f"Bearer {word}"}) as client:
        listed = client.get(f"{BASE}/evidence").json()
        assert [each["id"] for each in listed["rows"]] == [key]
        one = client.get(f"{BASE}/evidence/{key}?language=en").json()
        assert one["kind"] == "experience_check"
        assert set(one["tables"]) == {"scores", "findings", "agreement"}
        assert client.get(f"{BASE}/evidence/check.other-1").status_code == 404
        nobody = client.get(f"{BASE}/evidence", headers={"Authorization": "Bearer x"})
        assert nobody.status_code == 401
    dispose_engines()
