"""A list of single complaints is attacked: nothing of a case is anywhere once it was counted.

A word of its own stands in every cell that is not counted, also in columns that no layout knows,
and in a mapped cell that is refused. Store, logs, output, problems, audit trail, exports and a
backup, opened again, are searched for every one of them.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlmodel import func, select

from survey.collection.importing.mapping_documents import write_mapping_json
from survey.settings import current_settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import ComplaintCount
from tests.context.complaints.case_room import Room

Survey = Callable[..., Result]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", ["as proposed", "by a mapping"])
def test_no_cell_of_a_case_is_found_anywhere(
    how: str,
    survey: Survey,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    assert survey("init").exit_code == 0
    lists, seen = tmp_path / "lists", tmp_path / "seen"
    lists.mkdir()
    seen.mkdir()
    room = Room(lists)
    mapping = lists / "mapping.json"
    mapping.write_bytes(write_mapping_json(room.mapping))
    more = () if how == "as proposed" else ("--mapping", str(mapping))

    def bring_in(path: Path, *options: str) -> Result:
        return survey("evidence", "import", "complaint-cases", str(path), *more, *options)

    outputs = [survey("evidence", "mapping", "complaint-cases", str(room.write("known.csv")))]
    # The heads are said, and none of them is a planted word.
    outputs.append(bring_in(room.write("cases.csv"), "--dry-run"))
    outputs.append(bring_in(lists / "cases.csv", "--source", "某省消委会"))
    assert [each.exit_code for each in outputs] == [0, 0, 0], outputs[-1].output
    for wrong in dict.fromkeys(room.mapping.columns.values()):
        path = room.write(f"wrong-{len(room.planted)}.csv", wrong=wrong)
        problems = seen / f"{path.stem}-problems.csv"
        refused = bring_in(path, "--problems", str(problems))
        assert refused.exit_code == 1, wrong
        outputs.append(refused)
    assert len(list(seen.iterdir())) >= 3, "files of problems are searched as well"
    outputs.append(survey("audit", "export", str(seen / "trail.csv")))
    outputs.append(survey("audit", "verify"))
    backup = tmp_path / "backup"
    outputs.append(survey("backup", str(backup)))
    assert outputs[-1].exit_code == 0
    with read_scope(current_settings().store_url) as session:
        assert session.exec(select(func.sum(ComplaintCount.accepted))).one() == 4
    dispose_engines()
    kept = {
        **files_in(current_settings().data_dir),
        **files_in(seen),
        "backup": backup.read_bytes(),
    }
    kept |= {f"output {number}": each.output.encode() for number, each in enumerate(outputs)}
    kept["log"] = caplog.text.encode()

    # Opened again, because what is compressed cannot be searched.
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path / "restored"))
    restored = survey("restore", str(backup))
    assert restored.exit_code == 0, restored.output
    dispose_engines()
    again = files_in(tmp_path / "restored")
    assert again
    kept |= again

    assert len(room.planted) > 100
    assert room.find_told(kept) == []
    # The search finds what is there.
    assert room.find_told({"list": (lists / "cases.csv").read_bytes()})
