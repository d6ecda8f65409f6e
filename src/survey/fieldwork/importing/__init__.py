"""Import of interviews from files: read, map, check, show what would happen, then write.

`plan_import` reads a table and says row by row what it would become; `commit_import` writes the
plan in one transaction. docs/import.md is the user's page.
"""

from survey.fieldwork.importing.commit import ImportResult, commit_import
from survey.fieldwork.importing.import_plan import ImportPlan, plan_import
from survey.fieldwork.importing.rejections import (
    FileUnreadableError,
    ImportNotPossibleError,
    RowRejection,
)
from survey.fieldwork.importing.target_wave import ImportRequest

__all__ = [
    "FileUnreadableError",
    "ImportNotPossibleError",
    "ImportPlan",
    "ImportRequest",
    "ImportResult",
    "RowRejection",
    "commit_import",
    "plan_import",
]
