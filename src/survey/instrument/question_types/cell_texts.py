"""Texts of imported cells without differences that mean nothing."""

import unicodedata


def half_width(text: str) -> str:
    """Return the text with full-width digits, letters and signs in their usual width."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def fold_text(text: str) -> str:
    """Return the text without differences in case, width, kind of apostrophe and blanks."""
    return " ".join(half_width(text).replace("\u2019", "'").casefold().split())
