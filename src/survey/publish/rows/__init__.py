"""Single interviews for analysts: de-identified, for a stated purpose, marked with the account."""

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
    "ExportImpossible",
    "ExportableWave",
    "Form",
    "RowFile",
    "Traced",
    "deviation_lines",
    "export_rows",
    "exportable_waves",
    "trace",
]
