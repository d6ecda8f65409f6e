"""How much slower the public form answers while one address floods any other address.

    python -m benchmarks.flood [--seconds 6] [--json] [/q/nothing …]

Starts `survey serve` with its usual limits on a store of its own, measures the form from one
address of this machine without and with a flood from another (a process of its own, some lines,
as fast as they are answered), and prints the ratio of the 95th percentiles; ends with 1 where one
is above 3. Both are measured in the same run, one after the other, so a busy machine is slow in
both.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from benchmarks.arguments import parse_arguments
from benchmarks.live_server import Server, serving
from benchmarks.submission.scenario import build
from survey.settings import Settings

MAX_RATIO = 3.0
LINES = 4
USUAL_RATE = Settings.model_fields["public_rate_per_minute"].default
SAMPLE_SECONDS = 0.25
"""Within the usual rate of one address."""
UNKNOWN_LINK = "/q/" + "A" * 22
FLOODED = (
    ("GET", "/"), ("GET", "/nowhere"), ("GET", "/withdraw"), ("GET", "/auth/login"),
    ("POST", "/auth/logout"), ("GET", "/auth/logout"), ("GET", "/ready"), ("GET", "/health"),
    ("GET", "/api/v1"), ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/waves"),
    ("GET", "/api/v1/deliveries/complaints/schema.json"),
    ("GET", "/api/photos/00000000-0000-4000-8000-000000000000"),
    ("GET", "/q/nothing"), ("GET", UNKNOWN_LINK), ("POST", UNKNOWN_LINK), ("GET", "/q/offline"),
    ("GET", "/q/-/offline"), ("GET", "/form/" + "0" * 64 + ".json"),
    ("GET", "/assets/form.js"), ("GET", "/download/nothing"), ("GET", "/media/nothing"),
)  # fmt: skip
_FLOOD = """
import sys, threading, http.client
port, method, path, lines, own = sys.argv[1:]

def repeat():
    while True:
        line = http.client.HTTPConnection("127.0.0.1", port, source_address=(own, 0))
        try:
            while True:
                line.request(method, path, headers={"Origin": f"http://127.0.0.1:{port}"})
                line.getresponse().read()
        except (OSError, http.client.HTTPException):
            pass

for _ in range(int(lines)):
    threading.Thread(target=repeat, daemon=True).start()
print("started", flush=True)
sys.stdin.read()
"""


@contextmanager
def flooding(port: int, method: str, path: str, own: str) -> Iterator[None]:
    command = [sys.executable, "-c", _FLOOD, str(port), method, path, str(LINES), own]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()


def measure_p95(client: httpx2.Client, token: str, seconds: float) -> float:
    times: list[float] = []
    until = time.monotonic() + seconds
    # Two at least, however slow the machine is: one value has no quantiles.
    while time.monotonic() < until or len(times) < 2:
        began = time.monotonic()
        answer = client.get(f"/q/{token}")
        times.append(time.monotonic() - began)
        if answer.status_code != httpx2.codes.OK:
            raise SystemExit(f"the form answers {answer.status_code}")
        time.sleep(SAMPLE_SECONDS)
    return statistics.quantiles(times, n=20)[-1]


def measure(
    server: Server, token: str, seconds: float, flooded: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, float, float]]:
    """Yield each flooded address with the quiet and the flooded percentile in seconds."""
    with server.client() as client:
        measure_p95(client, token, seconds / 2)
        # Each comes from an address of its own, which has all its turns.
        for number, (method, path) in enumerate(flooded, start=2):
            quiet = measure_p95(client, token, seconds)
            with flooding(server.port, method, path, f"127.0.0.{number}"):
                beside = measure_p95(client, token, seconds)
            yield f"{method} {path[:60]}", quiet, beside


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the public form under a flood.")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("paths", nargs="*", help="flood these only")
    parser.add_argument("--json", action="store_true")
    arguments = parse_arguments(parser, seconds=1.0, paths=["/", "/q/nothing"])
    wanted = [each for each in FLOODED if not arguments.paths or each[1] in arguments.paths]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/survey.db"
        token = build(url, links=1).tokens[0]
        with serving(url, Path(folder), public_rate=USUAL_RATE) as server:
            rows = list(measure(server, token, arguments.seconds, wanted))
    if arguments.json:
        print(
            json.dumps([dict(zip(("flooded", "quiet", "p95"), row, strict=True)) for row in rows])
        )
    else:
        for name, quiet, flooded in rows:
            ratio = flooded / quiet
            print(f"{name:62} {quiet * 1000:7.1f} {flooded * 1000:7.1f} ms  x {ratio:.1f}")
    if not arguments.quick and any(flooded > MAX_RATIO * quiet for _, quiet, flooded in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
