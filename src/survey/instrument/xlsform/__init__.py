"""Reader and writer of XLSForm workbooks, uploaded ones and the shipped questionnaires."""

from survey.instrument.findings import Finding
from survey.instrument.xlsform.bundle import load_bundle
from survey.instrument.xlsform.errors import WorkbookError, XlsformError
from survey.instrument.xlsform.reader import ImportedForm, read_sheets, read_xlsform
from survey.instrument.xlsform.writer import write_xlsform

__all__ = [
    "Finding",
    "ImportedForm",
    "WorkbookError",
    "XlsformError",
    "load_bundle",
    "read_sheets",
    "read_xlsform",
    "write_xlsform",
]
