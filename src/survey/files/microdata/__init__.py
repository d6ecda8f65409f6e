"""De-identified interviews for analysts, for a stated purpose, marked with the account."""
