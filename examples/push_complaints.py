"""Push complaint statistics to the platform from a CSV file, with the standard library alone.

    SURVEY_KEY=hcs_… python examples/push_complaints.py https://survey.example counts.csv \\
        --id 2024-05-a --source "全国消协智慧315平台" --data-as-of 2024-06-03

Sending the same file with the same id again is harmless: the answer is the same. So this client
tries again when the platform is busy or the line breaks, and stops when the delivery is wrong.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

MAX_ATTEMPTS = 5
TIMEOUT_SECONDS = 300


class DeliveryRefusedError(Exception):
    """Raised when the delivery is wrong; `answer` says why, row by row where rows are wrong."""

    def __init__(self, status: int, answer: dict[str, object]) -> None:
        super().__init__(f"{status}: {answer.get('message', '')}")
        self.status, self.answer = status, answer


def push_file(
    platform: str, key: str, content: bytes, *, kind: str = "complaints", **head: str
) -> dict[str, object]:
    """Push the content of a CSV file and return the receipt.

    Args:
        head: id, source and data_as_of, and known_faults and code_version where there are any.
    """
    query = urllib.parse.urlencode({name: text for name, text in head.items() if text})
    request = urllib.request.Request(
        f"{platform.rstrip('/')}/api/v1/deliveries/{kind}?{query}",
        data=content,
        method="POST",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "text/csv"},
    )
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                receipt: dict[str, object] = json.load(answer)
                return receipt
        except urllib.error.HTTPError as error:
            if error.code not in {408, 429, 503} or attempt == MAX_ATTEMPTS:
                raise DeliveryRefusedError(error.code, _read_answer(error)) from error
            time.sleep(float(error.headers.get("Retry-After") or 2**attempt))
        except urllib.error.URLError:
            if attempt == MAX_ATTEMPTS:
                raise
            time.sleep(2**attempt)
    raise AssertionError("unreachable")


def _read_answer(error: urllib.error.HTTPError) -> dict[str, object]:
    try:
        answer: dict[str, object] = json.load(error)
    except ValueError:
        return {"message": error.reason}
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("platform", help="address of the platform")
    parser.add_argument("file", type=Path, help="CSV file, with the columns of the template")
    parser.add_argument("--id", required=True, help="id of the delivery, of your own choice")
    parser.add_argument("--source", required=True, help="who counted")
    parser.add_argument("--data-as-of", required=True, help="day such as 2024-06-03")
    parser.add_argument("--known-faults", default="", help="what is wrong or missing")
    parser.add_argument(
        "--confirm-losses", default="", help="word by which the answer lets what stands be lost"
    )
    parser.add_argument("--kind", default="complaints")
    chosen = parser.parse_args()
    try:
        receipt = push_file(
            chosen.platform,
            os.environ["SURVEY_KEY"],
            chosen.file.read_bytes(),
            kind=chosen.kind,
            id=chosen.id,
            source=chosen.source,
            data_as_of=chosen.data_as_of,
            known_faults=chosen.known_faults,
            confirm_losses=chosen.confirm_losses,
        )
    except DeliveryRefusedError as error:
        print(error, file=sys.stderr)
        for problem in error.answer.get("problems", []):  # type: ignore[attr-defined]
            print("row {row}, {column}: “{value}” – {message}".format(**problem), file=sys.stderr)
        for loss in error.answer.get("losses", []):  # type: ignore[attr-defined]
            print("lost: {area}, {period}".format(**loss), file=sys.stderr)
        if "confirm_losses" in error.answer:
            print(f"--confirm-losses {error.answer['confirm_losses']}", file=sys.stderr)
        return 1
    print(json.dumps(receipt, ensure_ascii=False, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
