"""Names of test modules: pytest imports them by name alone and stops at the second of one name."""

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent


def test_no_two_test_modules_share_a_name() -> None:
    """A part of the suite does not notice; the whole of it would not start."""
    names = Counter(path.name for path in TESTS.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
