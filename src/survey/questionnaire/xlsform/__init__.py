"""Reader and writer of XLSForm workbooks, uploaded ones and the shipped questionnaires."""
