"""De-identified interviews for analysts, for a stated purpose, marked with the account."""

from survey.publish.microdata.exact_requests import (
    MAX_REASON_CHARS,
    VALID_FOR,
    ExactRequest,
    ExactRequestNotFoundError,
    ExactRowsRefusedError,
    RequestState,
    decide_exact_rows,
    export_exact_rows,
    list_exact_requests,
    list_pending_requests,
    request_exact_rows,
)
from survey.publish.microdata.export import (
    MAX_PURPOSE_CHARS,
    ExportableWave,
    ExportNotAllowedError,
    MicrodataFile,
    deviation_lines,
    export_rows,
    list_exportable_waves,
)
from survey.publish.microdata.file_formats import FileFormat
from survey.publish.microdata.fingerprint import TracedExport, trace_export

__all__ = [
    "MAX_PURPOSE_CHARS",
    "MAX_REASON_CHARS",
    "VALID_FOR",
    "ExactRequest",
    "ExactRequestNotFoundError",
    "ExactRowsRefusedError",
    "ExportNotAllowedError",
    "ExportableWave",
    "FileFormat",
    "MicrodataFile",
    "RequestState",
    "TracedExport",
    "decide_exact_rows",
    "deviation_lines",
    "export_exact_rows",
    "export_rows",
    "list_exact_requests",
    "list_exportable_waves",
    "list_pending_requests",
    "request_exact_rows",
    "trace_export",
]
