"""Texts of the public pages that hold no figure, in one language."""

from collections.abc import Mapping

from survey.locale import Message, Translator, msg

PAGE_TEXTS: Mapping[str, Message] = {
    "open_data": msg("Open data"),
    "skip": msg("To the content"),
    "area": msg("Area"),
    "city": msg("City"),
    "cities": msg("Cities"),
    "provinces": msg("Provinces and regions"),
    "indicator": msg("Indicator"),
    "indicators": msg("Indicators"),
    "topics": msg("Topics asked about"),
    "group": msg("Group of people"),
    "groups": msg("Groups of people"),
    "score": msg("Score"),
    "share": msg("Share of those asked"),
    "interval": msg("Interval"),
    "gap": msg("Difference from the nation"),
    "n": msg("Interviews"),
    "places": msg("Possible places"),
    "files": msg("Files"),
    "file": msg("File"),
    "size": msg("Size"),
    "method": msg("How it was measured"),
    "correction": msg("Correction"),
    "corrections": msg("Corrections"),
    "no_corrections": msg("Nothing that stands here has been corrected."),
    "releases": msg("Releases"),
    "no_releases": msg("No release stands here at present."),
    "release": msg("Release"),
    "published": msg("Published"),
    "cite": msg("How to cite"),
    "verify": msg("Check what you read"),
    "log": msg("Transparency log"),
    "accessibility": msg("Accessibility"),
    "useful": msg("Was this page useful to you?"),
    "is_useful": msg("Yes, it was useful"),
    "is_not_useful": msg("No, it was not"),
    "useful_note": msg("Counted by page and day alone; nothing is kept of who presses."),
    "thanks": msg("Thank you, it is counted."),
    "ask": msg("Whom to ask"),
    "contents": msg("On this page"),
    "reuse": msg("Charts and tables to reuse"),
    "card": msg("Card for sharing (PNG)"),
    "chart": msg("Chart"),
    "chart_page": msg("Chart on a page of its own"),
    "table_page": msg("Table on a page of its own"),
    "embed_chart": msg("Line that puts the chart into another page:"),
    "embed_table": msg("Line that puts the table into another page:"),
    "chart_note": msg(
        "Dot: the city's score. Line: its interval. Upright stroke: the nation. The scale need not "
        "begin at 0."
    ),
    "chart_keys": msg("The arrow keys read it line by line."),
    "best": msg("Most above the nation"),
    "worst": msg("Least above or most below"),
    "read_interval": msg(
        "The score comes from a sample, so it is not exact: the interval says how far off it may "
        "be."
    ),
    "newest": msg("Newest release"),
    "see_results": msg("See all results"),
    "find_city": msg("Find your city"),
    "search_city": msg("Search by name"),
    # The script fills it in while somebody types.
    "found": msg("{shown} of {all} found", shown="{shown}", all="{all}"),
    "one_figure": msg("Cite or check this one figure."),
    "one_figure_address": msg(
        "The address in your browser is its own and stays; what follows the # is its number."
    ),
    "close": msg("Close"),
    "documents": msg("Questionnaire and code book"),
    "not_shown": msg(
        "A figure that is missing here is not shown: too few people stand behind it, or it would "
        "give another one away."
    ),
    "no_order": msg(
        "Cities whose intervals overlap cannot be put in order for certain. The possible places "
        "say how far up and how far down a city may really stand."
    ),
    "full_archive": msg("Everything in one signed archive"),
    "signed_by": msg("Id of the signing key"),
    "verify_lead": msg(
        "Each release is an archive that two people have signed. The page shows what is in the "
        "archive and nothing else. Whoever wants to be sure checks the archive without us:"
    ),
    "verify_keys": msg(
        "Take the script and the list of keys from the association's own address, never from "
        "whoever passed the archive on, and compare the fingerprint with the printed one. A forger "
        "could serve a page like this one with a key of his own."
    ),
    "fingerprints": msg("Keys that signed what stands here"),
    "back": msg("All releases"),
    "licence": msg("Licence"),
    "taken_back": msg("Taken back"),
    "names_only": msg("This release shows no figures of single cities."),
}
"""Name in the templates -> text."""


def translate_texts(t: Translator) -> Mapping[str, str]:
    return {name: t(text) for name, text in PAGE_TEXTS.items()}
