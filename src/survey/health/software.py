"""Checks of the software here: Python, compiled texts, fonts."""

import sys
from collections.abc import Iterator

from survey.health.check_result import CheckResult
from survey.locale import DOMAINS, msg
from survey.locale import catalog_file as catalog
from survey.settings import Settings


def check_python(_settings: Settings) -> Iterator[CheckResult]:
    """Check the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield CheckResult(
        msg("Python"), well, msg("{found} (3.11, 3.12 and 3.13 are supported)", found=version)
    )


def check_catalogs(_settings: Settings) -> Iterator[CheckResult]:
    """Check that the Chinese texts are compiled."""
    missing = [domain for domain in DOMAINS if not catalog(domain, "zh").exists()]
    detail = (
        msg("not compiled: {domains}; run: make setup", domains=", ".join(missing))
        if missing
        else msg("Chinese and English")
    )
    yield CheckResult(msg("Screen texts"), not missing, detail)
