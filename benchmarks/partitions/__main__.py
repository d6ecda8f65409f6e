"""What a response weighs on PostgreSQL, and what keeping answers in parts by wave is worth.

    python -m benchmarks.partitions [--waves 10] [--interviews 5000]

Fills so many waves with complete interviews of the main questionnaire, as an import does, and
copies the answers, mixed, into one table without parts. Compared are: bytes, reading a wave,
finding the answers of one interview with and without its wave, and removing a wave. Times are
medians.
"""

import argparse
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from benchmarks.arguments import parse_arguments
from benchmarks.load.__main__ import postgresql
from benchmarks.submission.scenario import INSTRUMENT, ROOT, complete_answers
from survey.access.principal import OPERATOR
from survey.access.work import Work
from survey.collection.response_bulk_insert import FinishedResponse, write_responses
from survey.questionnaire.model import Instrument
from survey.settings import current_settings
from survey.store.engine import dispose_engines, engine_for, session_scope
from survey.store.schema import upgrade
from survey.store.tables import Mode, Status
from survey.waves.instruments import find_instrument, instrument_id_by_name, load_reference_data
from survey.waves.waves import NewWave, create_wave

LOOK_UPS = 200
FIELDS = "answers, timings"
MEASURED_TABLES = ("response", "response_revision")
PARTITIONED_TABLES = {"response_revision"}


def _interviews(instrument: Instrument, count: int, seed: int) -> list[FinishedResponse]:
    draw = random.Random(seed)
    now = datetime.now(UTC)
    made = []
    for _ in range(count):
        answers = complete_answers(instrument, draw)
        made.append(
            FinishedResponse(
                client_uuid=uuid4(),
                city_code="110000",
                mode=Mode.IMPORT,
                status=Status.APPROVED,
                submitted_at=now,
                started_at=now - timedelta(minutes=7),
                answers=answers,
                timings={name: round(draw.uniform(1, 15), 2) for name in answers},
            )
        )
    return made


def _fill(url: str, waves: int, interviews: int) -> tuple[list[UUID], float]:
    """The waves, and the seconds of a wave's writing."""
    upgrade(url)
    load_reference_data(url, ROOT / "seed")
    with session_scope(url) as session:
        instrument = find_instrument(session=session, name=INSTRUMENT)
    ids, seconds = [], []
    for number in range(waves):
        rows = _interviews(instrument, interviews, number)
        with session_scope(url, long_running=True) as session:
            plan = NewWave(
                key=f"weight-{number}",
                series="weight",
                year=2000 + number,
                title_zh="w",
                title_en="w",
                instrument_id=instrument_id_by_name(session=session, name=INSTRUMENT),
            )
            now = datetime.now(UTC)
            wave = create_wave(Work(session, OPERATOR, now, current_settings()), plan=plan)
            began = time.perf_counter()
            write_responses(Work(session, OPERATOR, now, current_settings()), wave=wave, rows=rows)
            seconds.append(time.perf_counter() - began)
            ids.append(wave.id)
    return ids, statistics.median(seconds)


def _weights(connection: Connection, responses: int) -> None:
    query = text(
        "SELECT sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) FROM pg_class "
        "WHERE relkind = 'r' AND (relname = :name OR relname LIKE :parts)"
    )
    for name in MEASURED_TABLES:
        named = {"name": name, "parts": f"{name}\\_%" if name in PARTITIONED_TABLES else name}
        rows, indexes = connection.execute(query, named).one()
        print(
            f"  {name:18} {rows / responses:7.0f} B of rows, "
            f"{indexes / responses:5.0f} B of indexes a response"
        )
    sizes = text(
        "SELECT indexrelname, pg_relation_size(indexrelid) FROM pg_stat_user_indexes "
        "WHERE relname = 'response' ORDER BY 1"
    )
    for name, size in connection.execute(sizes):
        print(f"    {name:34} {size / responses:5.0f} B")


def _milliseconds(work: Callable[[], object], times: int) -> float:
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations) * 1000


def _compare(connection: Connection, waves: list[UUID]) -> None:
    connection.execute(
        text("CREATE TABLE whole (LIKE response_revision INCLUDING ALL EXCLUDING CONSTRAINTS)")
    )
    connection.execute(text("INSERT INTO whole SELECT * FROM response_revision ORDER BY random()"))
    connection.commit()
    connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    ids = list(connection.execute(text("SELECT id, wave_id FROM response LIMIT 5000")))
    draw = random.Random(1)

    def read_wave(table: str) -> None:
        query = text(f"SELECT count(answers::text) FROM {table} WHERE wave_id = :wave")
        connection.execute(query, {"wave": draw.choice(waves)}).all()

    def read_response(table: str, with_wave: bool) -> None:
        response, wave = draw.choice(ids)
        narrowed = " AND wave_id = :wave" if with_wave else ""
        query = f"SELECT {FIELDS} FROM {table} WHERE response_id = :id{narrowed}"
        connection.execute(text(query), {"id": response, "wave": wave}).all()

    for table in ("response_revision", "whole"):
        reading = _milliseconds(partial(read_wave, table), 10)
        print(f"  {table:18} reading a wave {reading:7.1f} ms")
        for with_wave in (True, False):
            milliseconds = _milliseconds(partial(read_response, table, with_wave), LOOK_UPS)
            print(
                f"    one interview {'with' if with_wave else 'without'} its wave"
                f" {milliseconds:6.2f} ms"
            )
    wave = waves[0]
    part = f"response_revision_{wave.hex}"
    began = time.perf_counter()
    connection.execute(text(f"ALTER TABLE response_revision DETACH PARTITION {part}"))
    connection.execute(text(f"DROP TABLE {part}"))
    print(f"  removing a wave's answers: part {(time.perf_counter() - began) * 1000:.0f} ms")
    began = time.perf_counter()
    connection.execute(text("DELETE FROM whole WHERE wave_id = :wave"), {"wave": wave})
    connection.execute(text("VACUUM whole"))
    print(f"    rows of a table without parts {(time.perf_counter() - began) * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--waves", type=int, default=10)
    parser.add_argument("--interviews", type=int, default=5000)
    chosen = parse_arguments(parser, waves=2, interviews=50)
    folder = Path(tempfile.mkdtemp(prefix="survey-partitions-"))
    folder.chmod(0o755)
    try:
        with postgresql(folder) as (url, _):
            waves, seconds = _fill(url, chosen.waves, chosen.interviews)
            print(f"{chosen.waves} waves of {chosen.interviews}: {seconds:.1f} s to write one")
            with engine_for(url).connect() as connection:
                _weights(connection, chosen.waves * chosen.interviews)
                _compare(connection, waves)
            dispose_engines()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
