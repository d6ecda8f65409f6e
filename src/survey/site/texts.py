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
    "release": msg("Release"),
    "published": msg("Published"),
    "cite": msg("How to cite"),
    "verify": msg("Check what you read"),
    "log": msg("Transparency log"),
    "ask": msg("Whom to ask"),
    "contents": msg("On this page"),
    "charts": msg("Charts to embed"),
    "embed_line": msg("For another page, without a script:"),
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
