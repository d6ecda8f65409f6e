"""An attack by its name: `python -m benchmarks.attacks tables main-2024`; without a name, both.

Both read the store of SURVEY_DATA_DIR; with `--quick`, a small demo.
"""

import os
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from benchmarks.live_server import small_demo

NAMES = ("tables", "rows")


def main() -> None:
    named = [sys.argv.pop(1)] if sys.argv[1:2] and sys.argv[1] in NAMES else NAMES
    with ExitStack() as stack:
        if "--quick" in sys.argv:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            data_dir = str(stack.enter_context(small_demo(folder)))
            os.environ |= {"SURVEY_DATA_DIR": data_dir, "SURVEY_DATABASE_URL": ""}
        for name in named:
            import_module(f"benchmarks.attacks.{name}").main()


if __name__ == "__main__":
    main()
