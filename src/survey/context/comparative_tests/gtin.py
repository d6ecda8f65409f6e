"""Global trade item numbers (GTIN, GB 12904) and their check digit."""

GTIN_LENGTHS = (8, 12, 13, 14)


def is_gtin(text: str) -> bool:
    """Return whether the text is a GTIN of 8, 12, 13 or 14 digits with a right check digit."""
    if len(text) not in GTIN_LENGTHS or not (text.isascii() and text.isdigit()):
        return False
    return check_digit(text[:-1]) == int(text[-1])


def check_digit(digits: str) -> int:
    """Return the check digit that follows `digits`: weights 3 and 1 from the right, modulo 10."""
    total = sum(
        int(digit) * (3 if position % 2 == 0 else 1)
        for position, digit in enumerate(reversed(digits))
    )
    return -total % 10
