"""A list of single complaints is attacked: nothing of a case is anywhere once it was counted.

A word of its own stands in every cell that is not counted, also in columns that no layout knows,
and in a mapped cell that is refused. Store, logs, output, problems, audit trail, exports and a
backup, opened again, are searched for every one of them.
"""

import csv
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlmodel import func, select

from survey.access.work import operator_work
from survey.collection.importing.mapping_documents import write_mapping_json
from survey.counts.trader_rules import set_trader_rule
from survey.settings import current_settings
from survey.store.engine import dispose_engines, read_scope
from survey.store.tables import ComplaintCount, TraderTotal
from survey.store.tables.traders import TraderRuleData
from survey.store.transactions import run_in_transaction
from tests.context.complaints.case_room import Room

Survey = Callable[..., Result]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
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


def _write_year(path: Path, room: Room) -> None:
    """Write a year of complaints: one trader above the threshold, and a word of its own in others.

    Of nine complaints each has a word in two spellings, so that no total of a word is kept.
    """
    heads = room.rows[0]
    trader, when = heads.index("被投诉企业"), heads.index("登记时间")
    told = heads.index("办理结果")
    lines = [heads]
    for word in ("", "", "", "", *(room.plant() for _ in range(6))):
        for number in range(9):
            row = [*room.rows[1]]
            row[trader] = (
                f"{word.upper() if number % 2 else word}有限公司" if word else "虚构甲有限公司"
            )
            row[when] = f"2025-{number % 12 + 1:02}-03"
            row[told] = "调解成功" if number % 2 else "调解不成"
            lines.append(row)
    lines += [
        [*lines[1][:when], f"2025-{month}-03", *lines[1][when + 1 :]] for month in (10, 11, 12)
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(lines)


def test_a_trader_below_the_threshold_is_found_nowhere(
    survey: Survey,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Totals are asked for and kept; a name with nine complaints is read and then nowhere."""
    caplog.set_level(logging.DEBUG)
    assert survey("init").exit_code == 0
    room, lists = Room(tmp_path), tmp_path / "lists"
    lists.mkdir()
    path = lists / "year.csv"
    _write_year(path, room)

    def bring_in(*options: str) -> Result:
        asked = ("--totals", "trader", "--data-as-of", "2026-01-05")
        return survey("evidence", "import", "complaint-cases", str(path), *asked, *options)

    unruled = bring_in()
    assert unruled.exit_code == 1, "without a rule no name is read"
    run_in_transaction(
        current_settings().store_url,
        lambda session: set_trader_rule(
            operator_work(session, current_settings()),
            data=TraderRuleData(text="律师意见第1号（虚构）"),
        ),
    )
    outputs = [unruled, bring_in("--dry-run"), bring_in(), bring_in("--area", "11")]
    assert [each.exit_code for each in outputs] == [1, 0, 0, 1], outputs[2].output
    with read_scope(current_settings().store_url) as session:
        assert session.exec(select(TraderTotal.name, TraderTotal.cases)).all() == [
            ("虚构甲有限公司", 39)
        ]
    backup, trail = tmp_path / "backup", tmp_path / "trail.csv"
    outputs += [survey("audit", "export", str(trail)), survey("backup", str(backup))]
    dispose_engines()
    kept = {**files_in(current_settings().data_dir), "trail": trail.read_bytes()}
    kept |= {f"output {number}": each.output.encode() for number, each in enumerate(outputs)}
    kept["log"], kept["backup"] = caplog.text.encode(), backup.read_bytes()
    monkeypatch.setenv("SURVEY_DATA_DIR", str(tmp_path / "restored"))
    assert survey("restore", str(backup)).exit_code == 0
    dispose_engines()
    kept |= files_in(tmp_path / "restored")
    room.planted += [word.upper() for word in room.planted]
    assert room.find_told(kept) == []
    assert room.find_told({"list": path.read_bytes()})
    assert any("虚构甲有限公司".encode() in content for content in kept.values())
