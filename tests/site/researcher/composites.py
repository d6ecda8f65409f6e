"""The same as `composites.R` in Python's standard library: `python composites.py ADDRESS`."""

import csv
import gzip
import io
import json
import re
import sys
from collections.abc import Iterator
from urllib.request import urlopen


def fetch(url: str) -> bytes:
    with urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def read_table(url: str) -> list[dict[str, str]]:
    content = fetch(url)
    plain = gzip.decompress(content) if url.endswith(".gz") else content
    return list(csv.DictReader(io.StringIO(plain.decode("utf-8-sig"), newline="")))


def find_dataset(address: str) -> dict[str, list[dict[str, str]]]:
    pages = re.findall("<loc>([^<]+)", fetch(f"{address}/sitemap.xml").decode())
    for page in pages:
        block = re.search(r'ld\+json">([^<]+)', fetch(page).decode())
        if block:
            found: dict[str, list[dict[str, str]]] = json.loads(block[1])
            return found
    raise SystemExit("no page of the map has a dataset")


def compute_again(address: str) -> Iterator[tuple[str, float, float]]:
    """Yield city, printed composite, and the sum of its items times their shares."""
    urls = [each["contentUrl"] for each in find_dataset(address)["distribution"]]
    figures, weights = (
        read_table(next(url for url in urls if re.search(rf"/{name}\.csv(\.gz)?$", url)))
        for name in ("figures", "indicators")
    )
    shares = {row["code"]: float(row["share"]) for row in weights if row["share"]}
    scores: dict[str, dict[str, float]] = {}
    for row in figures:
        if (row["area_level"], row["group"], row["measure"]) == ("city", "all", "score"):
            scores.setdefault(row["area"], {})[row["indicator"]] = float(row["estimate"])
    for city, own in scores.items():
        if "composite" in own and shares.keys() <= own.keys():
            yield city, own["composite"], sum(own[code] * share for code, share in shares.items())


if __name__ == "__main__":
    for line in compute_again(sys.argv[1].rstrip("/")):
        sys.stdout.write(" ".join(map(str, line)) + "\n")
