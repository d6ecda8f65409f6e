"""Payload of the browser form: an instrument as plain JSON.

`browser_form(instrument)` gives plain JSON. Keys whose value is null, false, empty or the default
are left out, so `item.required` is either `true` or missing. `Labels` are `{language: text}`; a
text may hold `${name}`, to be replaced by the answer of that item as shown (choice label, number,
text). `AST` is what `SurveyExpressions.evaluate` of `web/static/expressions.js` takes.

    {
      "name": "main-2023", "version": "1", "sha256": "…",
      "unit": "venue",                    missing: it is about people
      "title": Labels,
      "languages": [{"code": "en", "name": "English"}, …],      in the order offered
      "default_language": "zh",
      "thanks": Labels,                   on the last page; missing: everyone's words
      "sections": [{
        "name": "screening",
        "title": Labels,
        "relevant": AST,                  missing: always
        "ends": "screened_out" | "refused",
                                          relevant and present: the interview ends after it
        "items": [{
          "name": "quality",
          "kind": "rating" | "select_one" | "select_multiple" | "rank" | "integer" | "decimal"
                  | "text" | "date" | "time" | "datetime" | "photo" | "note" | "calculate",
          "label": Labels, "hint": Labels,
          "image": Labels,                addresses of pictures; after # their size: "640x480"
          "required": true, "required_message": Labels,
          "relevant": AST,
          "constraint": AST, "constraint_message": Labels,
                                          checked unless unanswered or a special code
          "calculation": AST,             kind calculate only
          "choices": [{"name": "male", "label": Labels, "image": Labels,
                       "columns": [{"county": "king"}, …]}, …],
                                          selects, rankings: the options in order; ratings of a
                                          select: labels of scores, `name` is the score as text;
                                          columns: only with a filter, once for each of its rows
          "choice_filter": AST,           offered are choices with a row for which it holds
          "min": 1, "max": 10, "step": 1,
          "low_label": Labels, "high_label": Labels,         ends of a rating scale
          "specials": ["dk", "na", "refused"],               codes offered beside the answers
          "special_labels": {"dk": Labels},                  only where the form has its own words
          "appearance": "multiline",
          "privacy": "child_age" | "guardian_consent" | "about_child" | "consent"
                     | "anonymous_visit",
          "keeps_place": true,            kind photo only
          "max_length": 2000              kind text only
        }, …]
      }, …]
    }

The route is walked as in docs/expressions.md, "On the route".
"""

from collections.abc import Callable
from typing import Any

from survey.locale import Labels
from survey.questionnaire.expressions.parser import parse, parse_choice_filter
from survey.questionnaire.expressions.pattern import Json
from survey.questionnaire.expressions.syntax import to_json
from survey.questionnaire.model import Images, Instrument, Item, Section
from survey.questionnaire.question_types import type_of

Form = dict[str, Any]
Locate = Callable[[str], str]


def picture_url(sha256: str) -> str:
    """Return the path from which browsers load a picture of a stored questionnaire."""
    return f"/form/{sha256}.jpg"


def browser_form(instrument: Instrument, locate: Locate = picture_url) -> Form:
    """Return an instrument as the mapping that the form in the browser reads as JSON.

    Args:
        instrument: The questionnaire.
        locate: Returns the address of the picture with a SHA-256.
    """
    return {
        "name": instrument.name,
        "version": instrument.version,
        "sha256": instrument.sha256,
        "title": dict(instrument.title),
        "languages": [
            {"code": language.code, "name": language.name} for language in instrument.languages
        ],
        "default_language": instrument.default_language,
        "sections": [_build_section(section, locate) for section in instrument.sections],
        **_drop_blanks(
            thanks=dict(instrument.thanks),
            unit=instrument.unit if instrument.unit != "person" else None,
        ),
    }


def _build_section(section: Section, locate: Locate) -> Form:
    return _drop_blanks(
        name=section.name,
        title=dict(section.title),
        relevant=_build_ast(section.relevant),
        ends=section.ends.value if section.ends else None,
        items=[_build_item(item, locate) for item in section.items],
    )


def _build_item(item: Item, locate: Locate) -> Form:
    return _drop_blanks(
        name=item.name,
        kind=item.kind.value,
        label=dict(item.label),
        hint=dict(item.hint),
        image=_build_images(item.image, locate),
        required=item.required,
        required_message=dict(item.required_message),
        relevant=_build_ast(item.relevant),
        constraint=_build_ast(item.constraint),
        constraint_message=dict(item.constraint_message),
        calculation=_build_ast(item.calculation),
        choices=[
            _drop_blanks(
                name=choice.name,
                label=dict(choice.label),
                image=_build_images(choice.image, locate),
                columns=[dict(row) for row in choice.columns],
            )
            for choice in item.choices
        ],
        choice_filter=item.choice_filter and to_json(parse_choice_filter(item.choice_filter)),
        min=_drop_decimal_point(item.minimum),
        max=_drop_decimal_point(item.maximum),
        step=_drop_decimal_point(item.step),
        low_label=dict(item.low_label),
        high_label=dict(item.high_label),
        specials=[special.value for special in item.specials],
        special_labels={code.value: dict(labels) for code, labels in item.special_labels.items()},
        appearance=item.appearance or None,
        privacy=item.privacy.value if item.privacy else None,
        **type_of(item).browser_fields(item),
    )


def _build_images(images: Images, locate: Locate) -> Labels:
    return {
        language: f"{locate(picture.sha256)}#{picture.width}x{picture.height}"
        for language, picture in images.items()
    }


def _build_ast(source: str | None) -> Json | None:
    return None if source is None else to_json(parse(source))


def _drop_decimal_point(number: float | None) -> float | None:
    """Return a whole number without a point, so that the browser shows 10 and not 10.0."""
    return int(number) if number is not None and number == int(number) else number


def _drop_blanks(**values: object) -> Form:
    return {key: value for key, value in values.items() if not _is_blank(value)}


def _is_blank(value: object) -> bool:
    """Return whether a field is left out of the payload: null, false or an empty container."""
    return value is None or value is False or (isinstance(value, dict | list) and not value)
