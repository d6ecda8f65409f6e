"""Merkle tree, notes and tiles of the transparency log, by published vectors; no second history."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.locale import RefusedError
from survey.release.log_checkpoints import LogWitness, PublicLog, format_signature, sign_state
from survey.release.log_witness import witness_log
from survey.release.manifest import zip_files
from survey.release.signing_keys import SigningKey, is_signed_by_library
from survey.release.verify import (
    LOG_KIND,
    WITNESS_KIND,
    CheckResult,
    NoteKey,
    check_entry,
    check_log,
    find_root,
    hash_entry,
    is_signed,
    main,
    parse_checkpoint,
    parse_keys,
    parse_note_key,
    tile_path,
)
from survey.site.site_log import build_log_files
from tests.publish.publications.signed_folders import (
    new_signing_key,
    published_list,
    signed_files,
    write_folder,
)

LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Roots over the first leaves, as the reference test of Certificate Transparency has them."""
ASSOCIATION, WITNESS = new_signing_key(), new_signing_key()
ORIGIN, AT = "survey.example/log", datetime(2026, 12, 1, tzinfo=UTC)
NAMED_WITNESS = NoteKey("witness.example/zj", WITNESS_KIND, WITNESS.public_bytes)
KEYS = parse_keys(published_list(ASSOCIATION))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    assert find_root([hash_entry(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


def _root_by_the_text_of_the_rfc(entries: Sequence[bytes]) -> bytes:
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    left = 1 << (len(entries) - 1).bit_length() - 1
    halves = map(_root_by_the_text_of_the_rfc, (entries[:left], entries[left:]))
    return hashlib.sha256(b"\1" + b"".join(halves)).digest()


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=70))
@settings(max_examples=60)
def test_the_root_is_that_of_the_definition(entries: list[bytes]) -> None:
    assert find_root([hash_entry(each) for each in entries]) == _root_by_the_text_of_the_rfc(
        entries
    )


def test_a_note_of_the_specification_is_signed() -> None:
    # The example of c2sp.org/signed-note.
    key = parse_note_key(
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", LOG_KIND
    )
    line = (
        "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
        "OBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    text = b"This is an example message.\n"
    signed = base64.b64decode(line.split(" ")[2])
    assert key.id == signed[:4]
    assert is_signed(key.public_key, text, signed[4:])
    assert format_signature(key, signed[4:]) == line


def test_a_cosignature_from_the_world_is_read() -> None:
    # A checkpoint of a public log of certificates, with the signature of one of its witnesses.
    note = (
        "arche2025h1.staging.ct.transparency.dev\n1432088532\n"
        "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
        "\u2014 remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVC"
        "IobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
    )
    witness = parse_note_key("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
    assert parse_checkpoint(note.encode()).is_signed(witness)
    other = note.replace("\n1432088532\n", "\n1432088533\n")
    assert not parse_checkpoint(other.encode()).is_signed(witness)


@pytest.mark.parametrize(
    "change",
    [("\n3\n", "\n03\n"), ("\n3\n", "\n-3\n"), ("\n3\n", "\nx\n"), ("=\n\n", "=\n"),
     ("=\n\n", "\n\n"), ("\u2014 ", "- "), ("log\n", "log\r\n"), ("=\n\n", "=\n\n\n")],
)  # fmt: skip
def test_a_note_of_another_form_is_refused(change: tuple[str, str]) -> None:
    note = sign_state(ORIGIN, LEAVES[:3], ASSOCIATION).decode()
    assert change[0] in note
    with pytest.raises(ValueError, match=r".+"):
        parse_checkpoint(note.replace(change[0], change[1], 1).encode())


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [(0, 256, "000"), (7, 3, "007.p/3"), (1234067, 256, "x001/x234/067"),
     (1000, 1, "x001/000.p/1")],
)  # fmt: skip
def test_tiles_are_named_as_the_specification_says(number: int, width: int, path: str) -> None:
    assert tile_path(number, width) == path


def public_log(
    entries: Sequence[bytes], sizes: Sequence[int] = (), witnessed: dict[int, bytes] | None = None
) -> PublicLog:
    signed = {size: sign_state(ORIGIN, entries[:size], ASSOCIATION)
              for size in sorted({*sizes, len(entries)})}  # fmt: skip
    notes = {size: note + (witnessed or {}).get(size, b"") for size, note in signed.items()}
    witnesses = tuple(LogWitness(NAMED_WITNESS, size, 0) for size in witnessed or {})
    checkpoint = parse_checkpoint(notes[len(entries)])
    return PublicLog(checkpoint, tuple(entries), tuple(notes.items()), witnesses)


def act(number: int, **more: object) -> bytes:
    fields = {"kind": "release", "id": f"main-{number}", "at": "2026-01-02T00:00:00+00:00"}
    return repr(fields | more).replace("'", '"').encode()


def written(folder: Path, log: PublicLog) -> Path:
    return write_folder(folder, dict(build_log_files(log)))


def test_tiles_of_a_tree_of_70_000_are_those_of_the_specification() -> None:
    files = build_log_files(public_log([act(0)] * 70_000))
    names = [name for name in files if name.startswith("tile/") and "entries" not in name]
    assert sum(name.startswith("tile/0/") for name in names) == 274
    assert {
        "tile/0/000",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    } <= {*names}
    assert len(files["tile/0/273.p/112"]) == 112 * 32
    leaves = [files["tile/0/000"][at : at + 32] for at in range(0, 8192, 32)]
    assert files["tile/1/000"][:32] == find_root(leaves)


def test_tiles_that_were_filled_since_are_kept_whole_only() -> None:
    files = build_log_files(public_log([act(number) for number in range(256)], sizes=[3, 200]))
    tiles = {name for name in files if name.startswith("tile/")}
    assert tiles == {"tile/0/000", "tile/1/000.p/1", "tile/entries/000"}
    partial = build_log_files(public_log([act(number) for number in range(5)], sizes=[3]))
    assert {"tile/0/000.p/3", "tile/0/000.p/5", "tile/entries/000.p/3"} <= partial.keys()


def test_folder_and_archive_of_a_log_are_read(tmp_path: Path) -> None:
    entries = [act(number) for number in range(300)]
    folder = written(tmp_path / "log", public_log(entries))
    for path in (folder, folder / "log.zip"):
        check = check_log(path, KEYS)
        assert (check.findings, check.log and check.log.entries) == ([], entries)


@given(size=st.integers(1, 30), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_changed_byte_of_a_log_is_found(
    size: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = public_log([act(number) for number in range(size)])
    files = {name: content for name, content in build_log_files(log).items()
             if name == "checkpoint" or name.startswith("tile/entries")}  # fmt: skip
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    folder = write_folder(tmp_path_factory.mktemp("log"), files | {name: bytes(content)})
    assert check_log(folder, KEYS, check_signature=is_signed_by_library).findings


def witnessed(folder: Path, entries: Sequence[bytes], seen: bytes | None = None) -> bytes:
    """Signature of the witness under a log, as the province's command writes it."""
    log = written(folder, public_log(entries))
    state = witness_log(log, KEYS, seen, WITNESS, NAMED_WITNESS.name, AT)
    assert state.key == NAMED_WITNESS
    return state.cosignature


def problems(path: Path, *, seen: Sequence[bytes] = ()) -> set[str]:
    known = [parse_checkpoint(note) for note in seen]
    check = check_log(path, KEYS, known, [NAMED_WITNESS], is_signed_by_library)
    return {finding.problem for finding in check.findings}


def test_a_second_history_cannot_pass_with_a_common_witness(tmp_path: Path) -> None:
    """One history is shown to the witness and a reader, another one to somebody else."""
    shown, other = [act(1), act(2), act(3)], [act(1), act(9), act(3), act(4)]
    signature = witnessed(tmp_path / "first", shown)
    seen = sign_state(ORIGIN, shown, ASSOCIATION)
    honest = written(tmp_path / "honest", public_log(shown, witnessed={3: signature}))
    assert problems(honest) == problems(honest, seen=[seen]) == set()
    # The witness signs no log that does not continue what it saw.
    with pytest.raises(RefusedError, match="rewritten"):
        witnessed(tmp_path / "second", other, seen)
    # A signature pasted under another state is none, whatever stands beside it.
    forged = written(tmp_path / "forged", public_log(other, sizes=[3], witnessed={4: signature}))
    assert problems(forged) == {"not_witnessed"}
    assert "log_history" in problems(forged, seen=[seen])
    pasted = written(tmp_path / "pasted", public_log(other, sizes=[3], witnessed={3: signature}))
    assert problems(pasted) == {"not_witnessed"}


def test_after_what_the_witness_saw_a_second_history_vouches_for_no_release(tmp_path: Path) -> None:
    begun = [act(1, manifest_sha256="a"), act(2, manifest_sha256="b")]
    signature = witnessed(tmp_path / "first", begun)
    for number in (3, 4):
        entries = [*begun, act(number, manifest_sha256="c")]
        log = written(
            tmp_path / str(number), public_log(entries, sizes=[2], witnessed={2: signature})
        )
        check = check_log(log, KEYS, (), [NAMED_WITNESS])
        assert (check.findings, check.witnessed_size) == ([], 2)
        seen = CheckResult([], {"id": "main-2"}, "", "b")
        unseen = CheckResult([], {"id": f"main-{number}"}, "", "c")
        assert check_entry(seen, check) == []
        assert [each.problem for each in check_entry(unseen, check)] == ["not_logged"]
        assert check_entry(unseen, check_log(log, KEYS)) == []


def test_an_older_log_another_one_and_one_of_a_lost_key_are_told_apart(tmp_path: Path) -> None:
    entries = [act(1), act(2)]
    log = written(tmp_path / "log", public_log(entries))
    longer = sign_state(ORIGIN, [*entries, act(3)], ASSOCIATION)
    elsewhere = sign_state("elsewhere.example/log", entries, ASSOCIATION)
    strange = sign_state(ORIGIN, entries, new_signing_key())
    for note, problem in (
        (longer, "log_older"), (elsewhere, "log_other"), (strange, "log_signature"),
    ):  # fmt: skip
        (finding,) = check_log(log, KEYS, [parse_checkpoint(note)]).findings
        assert finding.problem == problem
    lost = parse_keys(published_list(ASSOCIATION, withdrawn="2026-01-01"))
    assert [each.problem for each in check_log(log, lost).findings] == ["log_signature"]
    # What the lost key signed earlier still says what was shown then.
    both = parse_keys(published_list(ASSOCIATION, withdrawn="2026-01-01"))
    both.keys.update(parse_keys(published_list(WITNESS)).keys)
    newer = sign_state(ORIGIN, entries, WITNESS)
    write_folder(log, {"checkpoint": newer})
    assert check_log(log, both, [parse_checkpoint(sign_state(ORIGIN, entries[:1], ASSOCIATION))]) \
        .findings == []  # fmt: skip


def test_the_script_checks_a_release_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = signed_files(ASSOCIATION)
    release = write_folder(tmp_path / "release", files)
    manifest = hashlib.sha256(files["release.json"]).hexdigest()
    keys = tmp_path / "keys.json"
    keys.write_text(published_list(ASSOCIATION))
    entries = [act(1), act(0, id="main-2026-1", manifest_sha256=manifest)]

    def run(*more: bytes, name: str = "log") -> tuple[int, str]:
        log = written(tmp_path / name, public_log([*entries, *more])) / "log.zip"
        code = main(["--keys", str(keys), "--log", str(log), str(release)])
        return code, capsys.readouterr().out

    assert run()[0] == 0
    code, said = run(act(0, kind="retraction", id="main-2026-1"), name="retracted")
    assert (code, "taken this release back" in said) == (1, True)
    code, said = run(act(0, kind="key_withdrawn", id=ASSOCIATION.id), name="withdrawn")
    assert (code, "withdrawn" in said) == (1, True)
    entries.pop()
    code, said = run(name="missing")
    assert (code, "no entry of this release" in said) == (1, True)


def test_the_script_refuses_wrong_usage_and_what_is_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = written(tmp_path / "log", public_log([act(1)]))
    broken = tmp_path / "broken.zip"
    broken.write_bytes(zip_files({"checkpoint": b"\xff"}, AT))
    for usage in ([], ["--witness", "x", str(log)], ["--log", str(log), "--witness", "x"]):
        with pytest.raises(SystemExit):
            main(usage)
    assert main(["--log", str(broken)]) == 1
    # Without published keys nothing vouches for a log.
    assert main(["--log", str(log)]) == 1
    assert "not signed with a published key" in capsys.readouterr().out


def test_a_witness_needs_a_plain_name_and_a_readable_memory(tmp_path: Path) -> None:
    log = written(tmp_path / "log", public_log([act(1)]))

    def sign(remembered: bytes | None, name: str) -> object:
        return witness_log(log, KEYS, remembered, SigningKey.parse(_line()), name, AT)

    for remembered, name in ((None, "two words"), (None, ""), (b"?", "w")):
        with pytest.raises(RefusedError):
            sign(remembered, name)
    assert sign(None, "w")


def _line() -> str:
    return base64.b64encode(WITNESS.private.private_bytes_raw()).decode()
