"""Program of a worker process: applies the functions that arrive on its standard input.

Its arguments are the niceness that it adds to its own, and the memory (bytes) and the time on a
processor (seconds) that it may take, each 0 for no limit of its own. It is started as a program and
is no child of `multiprocessing`, whose children run the main module of their parent once more: in a
server of pages the main module is a page.
"""

import os
import pickle
import select
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any


def main() -> None:
    """Apply functions from standard input to parts, write the results, and end with the input."""
    # Ctrl+C reaches every process of a terminal; the other process ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    niceness, max_bytes, max_seconds = map(int, sys.argv[1:])
    if hasattr(os, "nice"):
        os.nice(niceness)
    _limit_resources(max_bytes, max_seconds)
    results = os.fdopen(os.dup(1), "wb")
    # What a library prints must not come between the results.
    os.dup2(2, 1)
    sys.path[:] = pickle.load(sys.stdin.buffer)
    _end_with_caller()
    while True:
        try:
            function, part = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        results.write(_apply(function, part))
        results.flush()


def _limit_resources(max_bytes: int, max_seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_AS, max_bytes), (resource.RLIMIT_CPU, max_seconds)):
        if most:
            # macOS knows a limit of memory and refuses to set it.
            with suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))


def _end_with_caller() -> None:
    """Start a thread that ends this process at once when the calling process has ended."""
    if not hasattr(select, "poll"):
        return
    hung_up = select.poll()
    # No event is asked for: a closed pipe is told in any case, and a message is none of ours.
    hung_up.register(sys.stdin.fileno(), 0)

    def wait() -> None:
        hung_up.poll()
        os._exit(0)

    Thread(target=wait, daemon=True).start()


def _apply(function: Callable[[Any], Any], part: Any) -> bytes:
    """Return the pickled pair (result, None), or (None, error) if the function raises."""
    try:
        return pickle.dumps((function(part), None))
    except Exception as error:
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        try:
            return pickle.dumps((None, error))
        except Exception:
            return pickle.dumps((None, RuntimeError("".join(traceback.format_exception(error)))))


if __name__ == "__main__":
    main()
