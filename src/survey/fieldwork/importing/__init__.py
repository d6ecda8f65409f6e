"""Bringing interviews in from files: read, map, check, show what would happen, then write.

`plan_import` reads a table and says row by row what it would become; `commit_import` writes the
plan in one transaction. docs/import.md is the user's page.
"""

from survey.fieldwork.importing.commit import ImportResult, commit_import
from survey.fieldwork.importing.findings import FileUnreadable, ImportImpossible, Rejection
from survey.fieldwork.importing.plan import ImportPlan, plan_import
from survey.fieldwork.importing.target import ImportRequest

__all__ = [
    "FileUnreadable",
    "ImportImpossible",
    "ImportPlan",
    "ImportRequest",
    "ImportResult",
    "Rejection",
    "commit_import",
    "plan_import",
]
