"""Attacks on the pages of a running server, as a program: port, attack and seconds.

The program writes one line as soon as the attack goes on, and ends when its input does.
"""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from threading import Event

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.page_clients import PageClient, request_page, rerun

SOCKETS = 32
FILE_BYTES = 40 << 20
MESSAGES = 2_000
THREADS = 3
ROLE = "analyst"
Attack = Callable[[PageClient, Event], None]


def send_reruns(visitor: PageClient, started: Event) -> None:
    """Send 2,000 messages of a few bytes, each asking for a page."""
    message = rerun("plan")
    with visitor.open_socket() as line:
        request_page(line)
        started.set()
        for _ in range(MESSAGES):
            line.send(message)
        # Until all of it is worked on, or the line is cut.
        while True:
            line.recv(timeout=1)


def open_sockets(visitor: PageClient, started: Event) -> None:
    """Hold more than thirty open pages, each asking to be drawn."""
    with ExitStack() as opened:
        held: list[ClientConnection] = []
        for _ in range(SOCKETS):
            with suppress(InvalidStatus):
                held.append(opened.enter_context(visitor.open_socket()))
            started.set()
        while True:
            for line in held:
                line.send(rerun("plan"))
            time.sleep(0.05)


def send_files(visitor: PageClient, started: Event) -> None:
    """Send one file of 40 MB after the other."""
    with visitor.open_socket() as line:
        number, _ = request_page(line)
        started.set()
        while True:
            visitor.add_file(number, f"file-{time.monotonic()}", FILE_BYTES)


ATTACKS: dict[str, Attack] = {"reruns": send_reruns, "sockets": open_sockets, "files": send_files}


def run_attack(attack: Attack, port: int, seconds: float) -> None:
    """Attack in a few threads, again and again, whatever the server does to the lines.

    The threads end with the program: a line that the server no longer reads from holds the one that
    writes to it for longer than the test takes.
    """
    visitor, until = PageClient(port, ROLE), time.monotonic() + seconds
    started = Event()

    def repeat_attack() -> None:
        while time.monotonic() < until:
            with suppress(ConnectionClosed, InvalidStatus, OSError, TimeoutError):
                attack(visitor, started)

    for _ in range(THREADS):
        threading.Thread(target=repeat_attack, daemon=True).start()
    if started.wait(seconds):
        sys.stdout.write("started\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    run_attack(ATTACKS[sys.argv[1]], int(sys.argv[2]), float(sys.argv[3]))
