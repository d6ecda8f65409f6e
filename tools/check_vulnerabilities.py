"""Known vulnerabilities in what is locked, by pip-audit, at most once a day and never in the way.

Run by `make check`. A package counts as audited only when the advisories were asked about this very
version of it: pip-audit ends well although it skipped every package that its source does not know.
What could not be asked about is named, loudly, and `make check` passes: that nothing was found is
then not known. A vulnerability that was found fails the check. `--now` (`make audit`) asks again
although there is an answer, and fails as well when anything could not be asked about.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-spark.lock")
STAMP = ROOT / ".venv" / ".audited"
TIMEOUT_SECONDS = 60
"""Seconds for all packages; the few that are locked in two versions take a second turn."""
RETRY_INTERVAL = timedelta(hours=1)
"""An answer that left packages out is repeated this long before pip-audit is asked again."""
MAX_NAMED_PACKAGES = 12
_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
_WORD_ENDS = re.compile(r"[-_.]+")


Package = tuple[str, str]
"""Name and version."""


@dataclass(frozen=True)
class AuditAnswer:
    """What pip-audit found, and the locked packages that it did not ask about, with why."""

    vulnerabilities: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.unasked


def normalise_name(name: str) -> str:
    """A package's name as indexes compare it."""
    return _WORD_ENDS.sub("-", name).lower()


def list_locked_packages(texts: list[str]) -> list[Package]:
    """Every package in the lock files, also those that other systems and Pythons get."""
    packages = {
        (normalise_name(match[1]), match[2]) for text in texts for match in _LOCKED.finditer(text)
    }
    return sorted(packages)


def read_answer(output: str, packages: list[Package], otherwise: str) -> AuditAnswer:
    """pip-audit's JSON against what is locked; `otherwise`: why there is no JSON, if there is none.

    A package that is missing in the answer, was skipped or was asked about in another version was
    not asked about.
    """
    try:
        dependencies = json.loads(output)["dependencies"]
        asked = {
            (normalise_name(dependency["name"]), dependency.get("version"))
            for dependency in dependencies
            if "vulns" in dependency
        }
        reasons = {
            normalise_name(dependency["name"]): dependency["skip_reason"]
            for dependency in dependencies
            if "skip_reason" in dependency
        }
    except (ValueError, KeyError, TypeError):
        return AuditAnswer(
            unasked=tuple(f"{name} {version}: {otherwise}" for name, version in packages)
        )
    unasked = tuple(
        f"{name} {version}: {reasons.get(name, 'not in the answer')}"
        for name, version in packages
        if (name, version) not in asked
    )
    return AuditAnswer(tuple(_vulnerability_lines(dependencies)), unasked)


def _vulnerability_lines(dependencies: list[dict[str, Any]]) -> Iterator[str]:
    for dependency in dependencies:
        for vulnerability in dependency.get("vulns", ()):
            mended = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
            package = f"{dependency['name']} {dependency['version']}"
            yield f"{package}: {vulnerability['id']}, mended in {mended}"


def split_by_version(packages: list[Package]) -> list[list[Package]]:
    """The packages in lists in which no name stands twice, as pip-audit wants them."""
    lists: list[list[Package]] = []
    for package in packages:
        fitting = (
            candidate for candidate in lists if all(package[0] != name for name, _ in candidate)
        )
        chosen = next(fitting, None)
        if chosen is None:
            lists.append(chosen := [])
        chosen.append(package)
    return lists


def ask(packages: list[Package]) -> AuditAnswer:
    """What pip-audit answers; asked without the conditions of the lock files, so that packages for
    other systems and Pythons are looked at as well."""
    answers = [_ask(each) for each in split_by_version(packages)]
    return AuditAnswer(
        tuple(line for answer in answers for line in answer.vulnerabilities),
        tuple(line for answer in answers for line in answer.unasked),
    )


def _ask(packages: list[Package]) -> AuditAnswer:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{name}=={version}\n" for name, version in packages))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps",
                   "--format", "json", "--desc", "off", "--progress-spinner", "off",
                   "--timeout", "5", "--requirement", file.name]  # fmt: skip
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                timeout=TIMEOUT_SECONDS,
                capture_output=True,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return read_answer("", packages, f"no answer within {TIMEOUT_SECONDS} seconds")
    last = (done.stderr.strip() or "no answer").splitlines()[-1]
    return read_answer(done.stdout, packages, last[:200])


def cache_key(texts: list[str]) -> str:
    """What today's answer is about: the day and the very files."""
    seen = hashlib.sha256("".join(texts).encode())
    return f"{datetime.now(UTC):%Y-%m-%d} {seen.hexdigest()}"


def read_cached_answer(about: str) -> AuditAnswer | None:
    """Today's answer, if it was complete or is fresh."""
    try:
        kept = json.loads(STAMP.read_text(encoding="utf-8"))
        age = datetime.now(UTC) - datetime.fromisoformat(kept["at"])
        answer = AuditAnswer(unasked=tuple(kept["unasked"]))
        known = kept["about"] == about and (answer.is_complete or age < RETRY_INTERVAL)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return answer if known else None


def save_answer(answer: AuditAnswer, about: str) -> None:
    """For the next check; an answer with a vulnerability is always asked for anew."""
    at = datetime.now(UTC).isoformat()
    kept = {"about": about, "at": at, "unasked": answer.unasked}
    STAMP.write_text(json.dumps(kept), encoding="utf-8")


def print_unasked(answer: AuditAnswer, total: int) -> None:
    names = "\n".join(f"  {line}" for line in answer.unasked[:MAX_NAMED_PACKAGES])
    more = len(answer.unasked) - MAX_NAMED_PACKAGES
    if more > 0:
        names += f"\n  and {more} more"
    sys.stderr.write(
        f"DEPENDENCIES WERE NOT AUDITED: {len(answer.unasked)} of {total} locked packages could "
        f"not be asked about.\n{names}\nRun `make audit` where the advisories can be reached.\n"
    )


def main(arguments: list[str]) -> int:
    asked_for = "--now" in arguments
    texts = [(ROOT / lock).read_text(encoding="utf-8") for lock in LOCKS]
    packages, about = list_locked_packages(texts), cache_key(texts)
    answer = None if asked_for else read_cached_answer(about)
    if answer is None:
        answer = ask(packages)
        if not answer.vulnerabilities:
            save_answer(answer, about)
    for line in answer.vulnerabilities:
        sys.stderr.write(f"KNOWN VULNERABILITY: {line}\n")
    if not answer.is_complete:
        print_unasked(answer, len(packages))
    elif asked_for and not answer.vulnerabilities:
        sys.stdout.write(f"No known vulnerability in {len(packages)} locked packages.\n")
    return 1 if answer.vulnerabilities or (asked_for and not answer.is_complete) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
