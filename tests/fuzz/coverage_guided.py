"""Fuzzing that follows coverage, where atheris is installed (it is no dependency of the project).

    python -m tests.fuzz.coverage_guided expression -max_total_time=300 -rss_limit_mb=1000

The first argument is the parser; the others are libFuzzer's. It begins with the good and the nasty
inputs of the parser, ends at the first fault, and keeps the input as `crash-…`.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["survey"]):
    from tests.fuzz.seeds import nasty_inputs, valid_inputs
    from tests.fuzz.targets import REFUSALS, TARGETS

INITIAL_INPUT_BYTES = 100_000
"""Bytes of an input to begin with."""


def main() -> None:
    target = sys.argv.pop(1)

    def one(data: bytes) -> None:
        try:
            TARGETS[target](data)
        except REFUSALS:
            return

    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("good", valid_inputs(target)), *nasty_inputs(target)):
            if len(content) <= INITIAL_INPUT_BYTES:
                (Path(folder) / name.replace("/", "-").replace(" ", "-")).write_bytes(content)
        atheris.Setup([*sys.argv, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
