"""Minimum reading time of a text: a bound for the fastest reader, not a usual time."""

import re

MAX_CHARACTERS_PER_SECOND, MAX_WORDS_PER_SECOND = 16.0, 10.0
"""Rates at which people look for a word in a text; nobody reads and understands so fast.

Carver (1992), Journal of Reading 36(2), has readers of English scan at 600 words a minute (this
bound), skim at 450 and read at 300; Brysbaert (2019), Journal of Memory and Language 109, finds 238
on average and most adults between 175 and 300. For Chinese, Trauzettel-Klosinski and Dietz (2012),
Investigative Ophthalmology & Visual Science 53(9), have 255 characters a minute read aloud where
they have 228 English words; 16 a second are 960 a minute, which is more generous still.
"""

_PIPED = re.compile(r"\$\{[^}]*\}|<[^>]*>")
"""What another answer is put into, whose length is not known here, and marks of layout."""
_CHARACTER = (
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    "|[\u0f40-\u0fbc]+"
)
"""Han characters and kana one by one, Tibetan by its syllables."""
_CHARACTERS = re.compile(_CHARACTER)
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def min_reading_seconds(text: str) -> float:
    """Return the seconds the fastest reader needs for `text`; marks and signs take none."""
    plain = _PIPED.sub(" ", text)
    characters = len(_CHARACTERS.findall(plain))
    words = len(_WORD.findall(_CHARACTERS.sub(" ", plain)))
    return characters / MAX_CHARACTERS_PER_SECOND + words / MAX_WORDS_PER_SECOND
