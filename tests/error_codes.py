"""Errors that services raise, by their code."""

import re

import pytest

from survey.locale import SurveyError


def raises_code(
    code: str, match: str | re.Pattern[str] | None = None
) -> pytest.RaisesExc[SurveyError]:
    """Expect an error of this code inside a `with` block."""
    return pytest.RaisesExc(SurveyError, match=match, check=lambda error: error.code == code)
