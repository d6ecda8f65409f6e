"""Every writer of rows on 62,000 interviews, beside pandas.to_csv of the same table.

Processor seconds of a process of its own, reading of the table not counted, and its peak memory. A
shared machine stretches the clock, so the ratio to the yardstick is what is compared.

With `--wave KEY` it is the whole command `survey export rows` on the data of SURVEY_DATA_DIR, start
of Python, names of rows and audit entry included, once where no rows are kept and then where they
are (a store from which rows were exported before has them at once), beside a process in which
pandas reads the same rows from Parquet and writes them as CSV, and beside one that only imports
pandas and the tables of the store. Modules are compiled before, as `make setup` and an image do.
"""

import argparse
import compileall
import io
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import survey as survey_package
from benchmarks.arguments import parse_arguments
from survey.files.microdata.file_formats import FileFormat, RowFile, write_file
from survey.files.microdata.variables import describe_variables, texts_present
from survey.questionnaire.model import Instrument, Item, ItemKind, Language, Section, SpecialAnswer

ROWS, RATINGS, FLAGS = 62_000, 40, 40
YARDSTICK, START, FIRST = "pandas.to_csv", "imports only", "parquet, first"
MOST_TIMES = {
    FileFormat.SPSS: 1.0, FileFormat.CSV: 1.0, FileFormat.XLSX: 2.5, FileFormat.PARQUET: 0.3,
    FileFormat.STATA: 1.3,
}  # fmt: skip
"""Most processor time over that of the yardstick."""
MOST_TIMES_WHOLE = {
    FileFormat.SPSS: 1.5, FileFormat.CSV: 1.4, FileFormat.XLSX: 2.0, FileFormat.PARQUET: 1.0,
    FileFormat.STATA: 1.6,
}  # fmt: skip
"""The same of whole processes, where an export before has kept the rows."""
MOST_MIB = 1_024
TURNS = 2
IMPORTS = (
    "import pandas, pyarrow.parquet; from survey.store.tables import get_metadata; get_metadata()"
)
COPY_ROWS = "import sys, pandas; pandas.read_parquet(sys.argv[1]).to_csv(sys.argv[2], index=False)"


def instrument() -> Instrument:
    ratings = tuple(
        Item(
            name=f"rating_{place}",
            kind=ItemKind.RATING,
            label={"zh": f"您对第{place}项是否满意？"},
            minimum=1,
            maximum=10,
            step=1,
            specials=(SpecialAnswer.DONT_KNOW,),
        )
        for place in range(RATINGS)
    )
    return Instrument(
        name="benchmark",
        version="1",
        title={"zh": "基准"},
        default_language="zh",
        languages=(Language(code="zh", name="中文"),),
        sections=(Section(name="only", items=ratings),),
    )


def table(count: int) -> pd.DataFrame:
    """Rows like those of the yearly wave: names, weights, categories, scores and flags."""
    rng = np.random.default_rng(1)
    columns: dict[str, object] = {
        "row": [f"{number:012x}" for number in rng.permutation(count)],
        "city_code": rng.choice(["110000", "310000", "320500"], count),
        "stratum": rng.choice(["urban", "rural"], count),
        "psu": [f"{number % 3000:012x}" for number in range(count)],
        "weight": rng.random(count) * 1e5,
        "day": ["2024-11-02"] * count,
    }
    for place in range(14):
        values = rng.choice(["yes", "no", "dk"], count)
        columns[f"choice_{place}"] = pd.Categorical(values, categories=["yes", "no", "dk"])
    scores = rng.integers(-4, 11, (RATINGS + FLAGS, count)).astype(np.int8)
    for place in range(RATINGS + FLAGS):
        columns[f"rating_{place}"] = scores[place]
    return pd.DataFrame(columns)


def measure(name: str, path: Path) -> None:
    """Print processor seconds, MiB at the most and size of the file of one writer."""
    rows = pd.read_pickle(path)
    described = describe_variables(texts_present(rows), instrument(), "zh")
    file = RowFile(rows, described, "演示数据", ["为林导出", "用途：测速"])
    began = time.process_time()
    content = _as_csv(rows) if name == YARDSTICK else write_file(file, FileFormat(name))
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(seconds, peak, len(content))


def _as_csv(rows: pd.DataFrame) -> bytes:
    buffer = io.StringIO()
    rows.to_csv(buffer, index=False)
    return buffer.getvalue().encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--wave", help="measure the whole command on this wave")
    parser.add_argument("--rows", type=int, default=ROWS, help="limits hold from so many on")
    parser.add_argument("--formats", nargs="+", type=FileFormat, default=list(FileFormat))
    asked = parse_arguments(parser, rows=500, formats=[FileFormat.SPSS, FileFormat.PARQUET])
    if asked.one:
        measure(asked.one, asked.table)
        return
    with TemporaryDirectory() as folder:
        if asked.wave:
            most, found = MOST_TIMES_WHOLE, _measure_commands(asked.wave, Path(folder))
        else:
            path = Path(folder) / "rows.pickle"
            table(asked.rows).to_pickle(path)
            most = MOST_TIMES
            found = {name: _run(name, path) for name in (YARDSTICK, *asked.formats)}
    yardstick = found[YARDSTICK][0]
    failed = []
    print(f"{'writer':14} {'CPU s':>7} {'times':>6} {'MiB':>6} {'file MB':>8}")
    for name, (seconds, peak, size) in found.items():
        times = seconds / yardstick
        print(f"{name:14} {seconds:7.2f} {times:6.2f} {peak:6.0f} {size / 1e6:8.1f}")
        if name in list(FileFormat) and (times > most[FileFormat(name)] or peak > MOST_MIB):
            failed.append(name)
    if failed and asked.rows >= ROWS:
        raise SystemExit(f"slower or larger than allowed: {', '.join(failed)}")


def _run(name: str, path: Path) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "benchmarks.files", "--one", name, "--table", str(path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak, size = map(float, shown.split())
    return seconds, peak, size


def _measure_commands(wave: str, folder: Path) -> dict[str, tuple[float, float, float]]:
    """Return processor seconds, MiB at the most and size of the file of each whole process.

    Of two turns the one with fewer seconds: other work on the machine stretches them too.
    """
    compileall.compile_dir(Path(survey_package.__file__).parent, quiet=1)
    survey = str(Path(sys.executable).parent / "survey")
    rows, copy = folder / "rows.parquet", folder / "copy.csv"
    commands = {
        str(form): ([survey, "export", "rows", "--wave", wave], folder / f"rows.{form}")
        for form in FileFormat
    }
    command, out = commands[FileFormat.PARQUET]
    found = {FIRST: [_run_whole([*command, "--out", str(out)], out)]}
    for _ in range(TURNS):
        for name, (command, out) in commands.items():
            out.unlink(missing_ok=True)
            run = _run_whole([*command, "--out", str(out)], out)
            found.setdefault(name, []).append(run)
        copied = [sys.executable, "-c", COPY_ROWS, str(rows), str(copy)]
        found.setdefault(YARDSTICK, []).append(_run_whole(copied, copy))
        started = _run_whole([sys.executable, "-c", IMPORTS], Path(os.devnull))
        found.setdefault(START, []).append(started)
    return {name: min(found[name]) for name in (YARDSTICK, START, FIRST, *commands)}


def _run_whole(command: list[str], out: Path) -> tuple[float, float, float]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out.stat().st_size


if __name__ == "__main__":
    main()
