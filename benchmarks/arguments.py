"""The command line of a benchmark, with its smallest size under one word."""

import argparse
import sys
from typing import Any

_QUICK = "--quick"


def parse_arguments(parser: argparse.ArgumentParser, **smallest: Any) -> argparse.Namespace:
    """Parse the command line; `--quick` takes these values for what is not given."""
    parser.add_argument(_QUICK, action="store_true", help="once, small: runs it, measures nothing")
    if is_quick():
        parser.set_defaults(**smallest)
    return parser.parse_args()


def is_quick() -> bool:
    """Return whether nothing is to be measured."""
    return _QUICK in sys.argv
