"""Import of interviews from files: read, map, check, show what would happen, then write.

`plan_import` reads a table and says row by row what it would become; `commit_import` writes the
plan in one transaction. docs/import.md is the user's page.
"""
