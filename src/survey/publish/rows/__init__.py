"""Single interviews for analysts: de-identified, for a stated purpose, marked with the account."""

from survey.publish.rows.exact_requests import (
    LONGEST_REASON,
    VALID_FOR,
    ExactRequest,
    ExactRequestUnknown,
    ExactRowsRefused,
    RequestState,
    decide_exact_rows,
    exact_requests,
    export_exact_rows,
    request_exact_rows,
    waiting_for,
)
from survey.publish.rows.exporting import (
    LONGEST_PURPOSE,
    ExportableWave,
    ExportImpossible,
    RowFile,
    deviation_lines,
    export_rows,
    exportable_waves,
)
from survey.publish.rows.marks import Traced, trace
from survey.publish.rows.writing import Form

__all__ = [
    "LONGEST_PURPOSE",
    "LONGEST_REASON",
    "VALID_FOR",
    "ExactRequest",
    "ExactRequestUnknown",
    "ExactRowsRefused",
    "ExportImpossible",
    "ExportableWave",
    "Form",
    "RequestState",
    "RowFile",
    "Traced",
    "decide_exact_rows",
    "deviation_lines",
    "exact_requests",
    "export_exact_rows",
    "export_rows",
    "exportable_waves",
    "request_exact_rows",
    "trace",
    "waiting_for",
]
