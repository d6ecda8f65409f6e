"""Errors of engines, each said in one sentence."""

from survey.locale import SurveyError


class FilesUnavailableError(SurveyError):
    """Raised for a location of files whose scheme is unknown or whose host is away."""

    code = "files_unreachable"


class EngineError(SurveyError):
    """Raised when an engine cannot be started or loses its workers for good."""

    code = "engine_failed"
