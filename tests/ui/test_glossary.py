"""The glossary in the documents is the one on screen."""

import pytest

from survey.kit.text_blocks import explain, read_glossary


def test_every_term_has_two_names_and_two_explanations() -> None:
    terms = read_glossary()
    assert len(terms) > 30
    for term in terms.values():
        assert all((term.name_en, term.name_zh, term.meaning_en, term.meaning_zh))
        assert term.meaning_en.endswith(".")
        assert term.meaning_zh.endswith("。")


@pytest.mark.parametrize(
    "term",
    [
        "wave",
        "instrument",
        "section",
        "item",
        "indicator",
        "stratum",
        "sampling point",
        "domain",
        "snapshot",
        "suppression",
        "invitation",
        "response",
        "revision",
        "disposition",
        "95% interval",
    ],
)
def test_the_words_of_the_house_are_explained(term: str) -> None:
    assert term in read_glossary()
    assert explain(term, "en") != explain(term, "zh")


def test_an_unknown_term_has_no_explanation() -> None:
    assert explain("nonsense", "en") is None
