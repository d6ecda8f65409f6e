"""Texts of a questionnaire side by side, and those that a language lacks."""

from survey.questionnaire.model import ItemKind, Section
from survey.questionnaire.translations import TextPart, count_missing, list_texts
from tests.instrument.sample_instrument import YES_NO, both, question, sample


def test_every_text_is_listed_once_with_its_part() -> None:
    asked = question(
        "a", ItemKind.SELECT_ONE, choices=YES_NO, hint=both("hint"), required_message=both("must")
    )
    form = sample(sections=(Section(name="s", title=both("Page"), items=(asked,)),))
    assert [(text.item, text.part) for text in list_texts(form)] == [
        ("", TextPart.TITLE),
        ("s", TextPart.SECTION),
        ("a", TextPart.QUESTION),
        ("a", TextPart.HINT),
        ("a", TextPart.CHOICE),
        ("a", TextPart.CHOICE),
        ("a", TextPart.MESSAGE),
    ]


def test_a_text_that_exists_nowhere_is_not_missing() -> None:
    half = question("a", ItemKind.TEXT).model_copy(update={"label": {"zh": "问"}})
    form = sample(sections=(Section(name="s", items=(half,)),))
    assert count_missing(form) == {"zh": 0, "en": 1}
    texts = {text.part: text for text in list_texts(form)}
    assert texts[TextPart.QUESTION].is_missing("en")
    assert TextPart.HINT not in texts
