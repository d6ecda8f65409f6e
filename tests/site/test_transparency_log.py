"""The transparency log of a store and on its site: what enters it, and that it never forks."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select
from starlette.testclient import TestClient

from survey.access.principal import OPERATOR
from survey.release.log_checkpoints import (
    PublicLog,
    add_cosignature,
    check_own_log,
    find_public_log,
    record_checkpoint,
    take_up_log,
)
from survey.release.log_witness import witness_log
from survey.release.public_acts import enter_public_acts
from survey.release.public_releases import open_release
from survey.release.publishing_steps import build_key_list, publish_publication, retract_publication
from survey.release.register import plan_publication
from survey.release.signatures import sign_publication
from survey.release.signing_keys import (
    SigningKeyError,
    add_key_to_file,
    list_keys,
    register_demo_key,
    withdraw_key,
)
from survey.release.transparency_log import append_acts, list_entries
from survey.release.verify import check_log, main, parse_checkpoint, parse_keys
from survey.settings import Settings
from survey.site.page_frame import SiteSource
from survey.site.public_site import install_site, plan_current_site
from survey.site.site_folder import write_site
from survey.site.site_log import build_log_files
from survey.store.engine import read_scope, session_scope
from survey.store.tables import (
    AuditEntry,
    Publication,
    PublicationState,
    TransparencyCheckpoint,
    TransparencyEntry,
    table_of,
)
from survey.store.transactions import run_in_transaction
from survey.web.routes import build_app
from tests.error_codes import raises_code
from tests.publish.publications.register_steps import KEY, REASON, WAVE, draft, pass_audit
from tests.publish.publications.signed_folders import new_signing_key, write_folder
from tests.site.conftest import MINUTE, PublishedStore
from tests.work_of import work_of


def acts(settings: Settings) -> list[dict[str, Any]]:
    with read_scope(settings.store_url) as session:
        return [orjson.loads(each) for each in list_entries(work_of(session, OPERATOR, MINUTE))]


def kinds(settings: Settings) -> list[tuple[str, str]]:
    return [(act["kind"], act["id"]) for act in acts(settings)]


def do(settings: Settings, step: Any, **order: Any) -> Any:
    with session_scope(settings.store_url) as session:
        return step(work_of(session, OPERATOR, MINUTE, settings=settings), **order)


def log_of(settings: Settings) -> PublicLog:
    with read_scope(settings.store_url) as session:
        log = find_public_log(work_of(session, OPERATOR, MINUTE, settings=settings))
    assert log is not None
    return log


def forget_log(settings: Settings, *, keep: int = 0) -> None:
    """The store of an earlier version or an older backup, whose log ended sooner."""
    with session_scope(settings.store_url) as session:
        session.connection().execute(text("DROP TRIGGER tr_transparency_entry_delete"))
        for model, column in ((TransparencyCheckpoint, "size"), (TransparencyEntry, "position")):
            table = table_of(model)
            session.connection().execute(delete(table).where(table.c[column] >= keep))


def test_publishing_enters_key_rules_and_manifest_and_signs(published: PublishedStore) -> None:
    settings = published.settings
    key, rules, release = acts(settings)
    manifest = published.read().read_signed("release.json")
    assert [each["kind"] for each in (key, rules, release)] == ["key", "rules", "release"]
    assert (release["id"], release["wave"], release["demo"]) == (KEY, WAVE, True)
    assert release["manifest_sha256"] == hashlib.sha256(manifest).hexdigest()
    assert rules["rules"] == orjson.loads(manifest)["rules"]
    assert release["at"] == MINUTE.isoformat(timespec="microseconds")
    assert log_of(settings).checkpoint.size == 3


def test_what_is_announced_signed_or_not_public_leaves_no_entry(
    own_store: PublishedStore, caplog: pytest.LogCaptureFixture
) -> None:
    settings, before = own_store.settings, acts(own_store.settings)
    correction = draft(corrects=KEY, reason=REASON, embargo_until=MINUTE.replace(year=2027))
    key = do(settings, plan_publication, draft=correction)
    pass_audit(settings)
    sign_publication(settings, principal=OPERATOR, key=key, clock=lambda: MINUTE)
    do(settings, enter_public_acts)
    assert acts(settings) == before
    # Published, but not to strangers: only that the public one no longer stands.
    later = correction.embargo_until
    with session_scope(settings.store_url) as session:
        publish_publication(work_of(session, OPERATOR, later, settings=settings), key=key)
    entered = acts(settings)[len(before) :]
    assert [(act["kind"], act["id"], act["by"]) for act in entered] == [("replaced", KEY, None)]
    assert key not in orjson.dumps(acts(settings)).decode()
    # Opened by two people, it enters with the time of that.
    with session_scope(settings.store_url) as session:
        assert open_release(work_of(session, OPERATOR, later, settings=settings), key=key)
    assert kinds(settings)[-1] == ("release", key)
    assert acts(settings)[-1]["corrects"] == KEY


def test_taking_back_enters_it_without_the_reason(own_store: PublishedStore) -> None:
    settings = own_store.settings
    do(settings, retract_publication, key=KEY, reason=REASON)
    assert kinds(settings)[-1] == ("retraction", KEY)
    assert REASON not in orjson.dumps(acts(settings)).decode()
    assert log_of(settings).checkpoint.size == 4


def test_an_act_that_fails_leaves_no_entry(own_store: PublishedStore) -> None:
    settings, before = own_store.settings, acts(own_store.settings)

    def fail(session: Session) -> None:
        work = work_of(session, OPERATOR, MINUTE, settings=settings)
        retract_publication(work, key=KEY, reason=REASON)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_transaction(settings.store_url, fail)
    assert acts(settings) == before


def test_a_lost_key_is_entered_and_the_next_one_signs(own_store: PublishedStore) -> None:
    settings = own_store.settings
    with read_scope(settings.store_url) as session:
        (lost,) = list_keys(work_of(session, OPERATOR, MINUTE, settings=settings))
    do(settings, withdraw_key, key_id=lost.id, reason=REASON)
    assert kinds(settings)[-1] == ("key_withdrawn", lost.id)
    with read_scope(settings.store_url) as session:
        assert find_public_log(work_of(session, OPERATOR, MINUTE, settings=settings)) is None
    key = add_key_to_file(settings.data_dir / "release-demo.key")
    with pytest.raises(SigningKeyError):
        do(settings, record_checkpoint)
    do(settings, register_demo_key, key=key)
    assert do(settings, record_checkpoint).size == 5
    # Signed anew with it, the release stands in the log once more.
    sign_publication(settings, principal=OPERATOR, key=KEY, clock=lambda: MINUTE)
    assert kinds(settings)[-1] == ("release", KEY)
    assert log_of(settings).checkpoint.size == 6
    with read_scope(settings.store_url) as session:
        query = select(AuditEntry).where(AuditEntry.action == "release.log_signed")
        assert session.exec(query).one().subject_id == key.id


def test_a_store_from_before_is_entered_by_the_next_act(own_store: PublishedStore) -> None:
    settings = own_store.settings
    before = acts(settings)
    forget_log(settings)
    do(settings, enter_public_acts)
    assert acts(settings) == before
    do(settings, enter_public_acts)
    assert acts(settings) == before


def test_a_damaged_archive_does_not_keep_another_release_public(
    own_store: PublishedStore, caplog: pytest.LogCaptureFixture
) -> None:
    settings = own_store.settings
    forget_log(settings)
    own_store.archive.write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        do(settings, retract_publication, key=KEY, reason=REASON)
    assert [kind for kind, _ in kinds(settings)] == ["key", "retraction"]
    assert "archive is damaged" in caplog.text


def test_entries_are_neither_changed_nor_removed(store_url: str) -> None:
    settings = Settings(database_url=store_url)
    do(settings, append_acts, acts=[{"kind": "key", "id": "a", "at": "2026"}])
    table = table_of(TransparencyEntry)
    for statement in (update(table).values(content="{}"), delete(table)):
        with (
            pytest.raises(DBAPIError, match="neither changed nor removed"),
            session_scope(store_url) as session,
        ):
            session.connection().execute(statement)


def test_two_that_append_at_once_neither_fork_nor_lose(store_url: str) -> None:
    numbers = range(24)

    def append(number: int) -> None:
        order = [{"kind": "key", "id": f"{number // 2}", "at": "2026"},
                 {"kind": "rules", "id": f"{number}", "at": "2026"}]  # fmt: skip
        run_in_transaction(
            store_url, lambda session: append_acts(work_of(session, OPERATOR, MINUTE), order)
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, numbers))
    with read_scope(store_url) as session:
        rows = session.exec(select(TransparencyEntry)).all()
    assert sorted(row.position for row in rows) == list(range(36))
    assert {row.subject for row in rows} == {
        *(f"key {number // 2}" for number in numbers), *(f"rules {number}" for number in numbers)
    }  # fmt: skip


def test_an_entry_that_no_bundle_can_hold_is_refused(store_url: str) -> None:
    order = [{"kind": "rules", "id": "1", "at": "2026", "rules": "x" * 70_000}]
    with raises_code("log_entry_too_large"):
        do(Settings(database_url=store_url), append_acts, acts=order)


WITNESS = new_signing_key()


def cosign(settings: Settings, folder: Path, keys: bytes, seen: bytes | None = None) -> Any:
    write_folder(folder, dict(build_log_files(log_of(settings))))
    published = parse_keys(keys.decode())
    return witness_log(folder, published, seen, WITNESS, "zj.example", MINUTE)


def test_the_signature_of_a_witness_is_taken_up_and_kept_for_its_state(
    own_store: PublishedStore, tmp_path: Path
) -> None:
    settings = own_store.settings
    state = cosign(settings, tmp_path / "log", own_store.keys_document)
    line, key = state.cosignature.decode(), str(state.key)
    for _ in range(2):
        assert do(settings, add_cosignature, line=line, verifier_key=key).size == 3
    log = log_of(settings)
    assert log.checkpoint.is_signed(state.key)
    assert [(witness.key, witness.size) for witness in log.witnesses] == [(state.key, 3)]
    do(settings, retract_publication, key=KEY, reason=REASON)
    newer = log_of(settings)
    assert newer.checkpoint.size == 4
    assert "witnessed/3" in build_log_files(newer)
    folder = write_folder(tmp_path / "newer", dict(build_log_files(newer)))
    with read_scope(settings.store_url) as session:
        published = parse_keys(build_key_list(session, settings).decode())
    check = check_log(folder, published, (), [state.key])
    assert (check.findings, check.witnessed_size) == ([], 3)


@pytest.mark.parametrize("forgery", ["other", "none", "two", "key"])
def test_what_is_no_signature_of_the_witness_is_refused(
    own_store: PublishedStore, tmp_path: Path, forgery: str
) -> None:
    settings = own_store.settings
    state = cosign(settings, tmp_path / "log", own_store.keys_document)
    line, key = state.cosignature.decode(), str(state.key)
    digits = line.split(" ")[2]
    lines = {
        "other": line.replace(digits[30:33], "AAA"),
        "none": "",
        "two": f"{line}\nan extension\n",
        "key": line,
    }
    with raises_code("log_refused"):
        given = "nonsense" if forgery == "key" else key
        do(settings, add_cosignature, line=lines[forgery], verifier_key=given)
    assert log_of(settings).witnesses == ()


def test_a_store_behind_what_was_published_is_told_so_and_goes_on_from_there(
    own_store: PublishedStore, tmp_path: Path
) -> None:
    settings = own_store.settings
    published_state = cosign(settings, tmp_path / "log", own_store.keys_document)
    known = check_log(tmp_path / "log", own_store.keys).log
    assert known is not None
    forget_log(settings, keep=1)
    seen = [parse_checkpoint(published_state.checkpoint.note)]
    with raises_code("log_refused", match="second history"):
        do(settings, check_own_log, seen=seen)
    assert do(settings, take_up_log, published=known) == 2
    assert do(settings, check_own_log, seen=seen) == 3
    assert do(settings, record_checkpoint).body == known.checkpoint.body
    other = known._replace(entries=[b"{}", *known.entries[1:]])
    with raises_code("log_refused"):
        do(settings, take_up_log, published=other)


def test_a_log_that_was_changed_in_the_database_is_not_signed(
    own_store: PublishedStore, caplog: pytest.LogCaptureFixture
) -> None:
    settings = own_store.settings
    with session_scope(settings.store_url) as session:
        session.connection().execute(text("DROP TRIGGER tr_transparency_entry_update"))
        table = table_of(TransparencyEntry)
        session.connection().execute(
            update(table).where(table.c.position == 1).values(content="{}")
        )
    with raises_code("log_refused"):
        do(settings, record_checkpoint)
    # Taking back has to be quick, whatever is wrong with the log.
    do(settings, retract_publication, key=KEY, reason=REASON)
    with read_scope(settings.store_url) as session:
        assert session.exec(select(Publication)).one().state is PublicationState.RETRACTED
        sizes: Sequence[int] = session.exec(select(TransparencyCheckpoint.size)).all()
    assert max(sizes) == 3


@pytest.fixture(scope="module")
def site(published: PublishedStore) -> Path:
    with read_scope(published.settings.store_url) as session:
        return install_site(published.settings, plan_current_site(session, published.settings))


def test_a_stranger_checks_the_release_of_the_site_in_its_log(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = str(site / "files" / "release-keys.json")
    archive = str(site / "files" / f"{KEY}.zip")
    for log in (site / "log", site / "log" / "log.zip"):
        assert main(["--keys", keys, "--log", str(log), archive]) == 0
    assert "log consistent" in capsys.readouterr().out


def test_the_page_says_in_both_languages_what_is_entered(site: Path) -> None:
    for folder, words in ((site, "公开登记簿"), (site / "en", "Transparency log")):
        page = (folder / "log" / "index.html").read_text("utf-8")
        assert words in page
        assert KEY in page
        assert log_root(site) in page
        assert f'log/">{words}</a>' in (folder / "index.html").read_text("utf-8")


def log_root(site: Path) -> str:
    return (site / "log" / "checkpoint").read_text("utf-8").split("\n")[2]


@pytest.mark.slow
def test_the_same_log_gives_the_same_bytes(
    published: PublishedStore, site: Path, tmp_path: Path
) -> None:
    source = SiteSource([published.read()], published.keys, log=log_of(published.settings))
    write_site(source, published.keys_document, tmp_path / "again")
    files = [path for path in (site / "log").rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        assert (tmp_path / "again" / path.relative_to(site)).read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("site")
def test_the_server_gives_the_log_and_lets_only_the_check_read_other_files(
    published: PublishedStore,
) -> None:
    with TestClient(build_app(published.settings)) as visitor:
        checkpoint = visitor.get("/data/log/checkpoint")
        assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
        assert parse_checkpoint(checkpoint.content).size == 3
        entries = visitor.get("/data/log/tile/entries/000.p/3")
        assert entries.headers["content-type"] == "application/octet-stream"
        for page in ("verify/", "en/verify/"):
            policy = visitor.get(f"/data/{page}").headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "connect-src 'self'" in policy
            assert "unsafe" not in policy
        for page in ("", "log/", f"{WAVE}/"):
            policy = visitor.get(f"/data/{page}").headers["content-security-policy"]
            assert "connect-src" not in policy
        script = visitor.get("/data/verify.js")
        assert script.headers["content-type"].partition(";")[0] == "text/javascript"
