"""Tables of published figures to take away: a publication workbook and a tidy file."""
