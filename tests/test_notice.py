"""NOTICE names every package of an installation with its licence, and what LGPL and MPL ask for."""

import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from survey.settings import PROJECT_ROOT

COPYLEFT = re.compile(r"\b(A?L?GPL|MPL|EPL|EUPL|CDDL)\b|Mozilla Public|Lesser General|GNU General")
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==", re.MULTILINE)


def locked_packages() -> set[str]:
    lock = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {re.sub(r"[-_.]+", "-", name).lower() for name in _LOCKED.findall(lock)}


def read_notice() -> tuple[str, dict[str, str]]:
    text = (PROJECT_ROOT / "NOTICE").read_text(encoding="utf-8")
    head, _, table = text.partition("Packages\n--------\n\n")
    return head, dict(line.split(maxsplit=1) for line in table.splitlines())


def declared_licences(name: str) -> tuple[str, str]:
    """What a package says of its licence, without the text of one, and its licence expression."""
    found = metadata(name)
    classifiers = [each for each in found.get_all("Classifier") or [] if "License" in each]
    expression = "".join(found.get_all("License-Expression") or [])
    written = "".join(found.get_all("License") or []).partition("\n")[0]
    return " ".join([expression, written, *classifiers]), expression


def test_every_package_of_an_installation_is_named_with_its_licence() -> None:
    _, licences = read_notice()
    assert set(licences) == locked_packages()
    assert all(licences.values())


@pytest.mark.parametrize("name", sorted(locked_packages()))
def test_a_licence_that_asks_for_more_is_named(name: str) -> None:
    head, licences = read_notice()
    try:
        declared, expression = declared_licences(name)
    except PackageNotFoundError:
        declared = expression = ""  # One of another system.
    if COPYLEFT.search(declared):
        assert COPYLEFT.search(licences[name]), declared
    if COPYLEFT.search(licences[name]):
        assert re.search(rf"\b{re.escape(name)}\b", head)
    if expression:
        assert licences[name] == expression


def test_what_is_shipped_holds_the_notice() -> None:
    assert '"NOTICE"' in (PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert " NOTICE " in (PROJECT_ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
