"""Suggestions for expressions that use parts of XPath or other languages outside the subset."""

from survey.locale import Message, msg

_FUNCTIONS: dict[str, Message] = {
    "boolean": msg("Write the comparison itself, for example ${{name}} != ''."),
    "ceiling": msg("Write int(x) + (x > int(x)) for numbers that are not negative."),
    "choice-label": msg("Put ${{name}} into the label: it shows the label of the choice."),
    "choice-name": msg("Put ${{name}} into the label: it shows the label of the choice."),
    "concat": msg("Put ${{name}} into the label of a note instead of joining texts."),
    "contains": msg("Write regex(${{name}}, '.*text.*')."),
    "count": msg("Repeats are not supported; for select_multiple write count-selected(${{name}})."),
    "current": msg("Write . for the answer being checked, ${{name}} for any other."),
    "decimal-date-time": msg("Write number(${{name}}): days since 1970-01-01."),
    "empty": msg("Write ${{name}} = ''."),
    "ends-with": msg("Write regex(${{name}}, '.*text')."),
    "floor": msg("Write int(x) for numbers that are not negative."),
    "format-date": msg("Write the date itself: dates are texts of the form YYYY-MM-DD."),
    "instance": msg("Use a fixed list on the choices sheet."),
    "join": msg("Put ${{name}} into the label of a note instead of joining texts."),
    "jr:choice-name": msg("Put ${{name}} into the label: it shows the label of the choice."),
    "max": msg("Write if(${{a}} > ${{b}}, ${{a}}, ${{b}})."),
    "min": msg("Write if(${{a}} < ${{b}}, ${{a}}, ${{b}})."),
    "now": msg("Write today()."),
    "once": msg("Leave once() out: write what stands in its brackets."),
    "pulldata": msg("Use a fixed list on the choices sheet."),
    "round": msg("Write int(x + 0.5) for whole numbers that are not negative."),
    "selected-at": msg("Write selected(${{name}}, 'choice') for each choice."),
    "starts-with": msg("Write regex(${{name}}, 'text.*')."),
    "string": msg("Leave string() out: numbers and texts are converted as needed."),
    "sum": msg("Write ${{a}} + ${{b}} + ${{c}}."),
}

_WORD_HINTS: dict[str, Message] = {
    "and": msg("Write and in small letters between two conditions."),
    "or": msg("Write or in small letters between two conditions."),
    "not": msg("Write not(condition)."),
    "true": msg("Write true()."),
    "false": msg("Write false()."),
    "div": msg("Write div in small letters between two numbers."),
    "mod": msg("Write mod in small letters between two numbers."),
}

_STRAY_HINTS: tuple[tuple[str, Message], ...] = (
    ("==", msg("Write a single = to compare.")),
    ("=", msg("Write a single = to compare.")),
    ("<>", msg("Write != for “not equal”.")),
    (">", msg("Write != for “not equal”.")),
    ("!", msg("Write != for “not equal” and not(condition) for “not”.")),
    ("&", msg("Write and.")),
    ("|", msg("Write or.")),
    ("≤", msg("Write <=.")),
    ("≥", msg("Write >=.")),
    ("≠", msg("Write !=.")),
    ("‘", msg("Write straight quotes: 'text'.")),
    ("’", msg("Write straight quotes: 'text'.")),
    ("“", msg("Write straight quotes: 'text'.")),
    ("”", msg("Write straight quotes: 'text'.")),
    ("/", msg("Write ${{name}} for a question and div for a division.")),
    (".", msg("Write ${{name}} for a question; paths are not supported.")),
    ("$", msg("Write ${{name}} with both curly brackets.")),
    ("{", msg("Write ${{name}} with a dollar sign.")),
    ("[", msg("Square brackets are not supported; refer to one question as ${{name}}.")),
    ("@", msg("Write ${{name}} for a question; paths are not supported.")),
)


def function_hint(name: str) -> Message:
    """Return what to write instead of a function outside the subset."""
    lowered = name.lower()
    if lowered in _WORD_HINTS and lowered != name:
        return _WORD_HINTS[lowered]
    return _FUNCTIONS.get(
        lowered,
        msg(
            "Supported are selected(), count-selected(), if(), coalesce(), string-length(), "
            "regex(), int(), number(), today(), date(), not(), true() and false()."
        ),
    )


def bare_word_hint(word: str) -> Message:
    """Return what to write instead of a bare word."""
    return _WORD_HINTS.get(
        word.lower(),
        msg(
            "Write ${{{word}}} for the question of that name, or '{word}' in quotes for a text.",
            word=word,
        ),
    )


def stray_character_hint(rest: str) -> Message | None:
    """Return what to write instead of a misplaced character or one that starts no token."""
    return next((hint for start, hint in _STRAY_HINTS if rest.startswith(start)), None)
