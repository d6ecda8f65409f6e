"""Signatures of two people on a page: why one is enough, who is awaited, what this press does."""

from collections.abc import Callable, Sequence

from survey.access.approval import PeopleRule
from survey.access.work import Seen
from survey.kit.cases import draw_step
from survey.kit.page_frame import draw_notice
from survey.kit.page_runner import PageContext
from survey.kit.text_blocks import escape_markdown
from survey.locale import Message, msg

PEOPLE_RULE_TEXTS: dict[PeopleRule, Message] = {
    PeopleRule.TWO: msg("This takes two people: you request it, and another person confirms it."),
    PeopleRule.DEMO: msg(
        "In a demonstration one person is enough. In a real survey another person confirms."
    ),
    PeopleRule.ALONE: msg(
        "Nobody else has the right to confirm this, so one person is enough. The audit trail says "
        "so. An account for a second person makes it safer."
    ),
    PeopleRule.OFF: msg("In this installation one person is enough."),
}
MAX_NAMED_PEOPLE = 5


def draw_awaited_people(page: PageContext, title: str, names: Sequence[str]) -> None:
    """Draw a notice that one person has signed, and `names`, of whom one has to sign next."""
    t, named = page.t, page.t(", ").join(names[:MAX_NAMED_PEOPLE])
    draw_notice(
        title,
        t("Next another person signs here: {names}.", names=named)
        if len(names) <= MAX_NAMED_PEOPLE
        else t(
            "Next another person signs here: {names}, or another of {count} people who may.",
            names=named,
            count=len(names),
        ),
    )


def draw_signing(
    page: PageContext,
    seen: Seen,
    service: Callable[..., object],
    title: str,
    *,
    slot: str,
    releases: bool,
) -> None:
    """Draw the step that signs case `seen`, and says whether this signature releases it.

    Args:
        service: Signs the case; it gets `releases`, and refuses if that is not so any more.
        title: Title of the case.
    """
    t, title = page.t, escape_markdown(title)
    if releases:
        label, done = t("Sign and release now"), t("Signed by you, and released.")
        words = t(
            "Your signature releases “{title}” at once to everybody who reads results. This cannot "
            "be undone, and nothing of it can be edited afterwards.",
            title=title,
        )
    else:
        label, done = t("Give the first signature"), t("Signed by you. Another person signs next.")
        words = t(
            "Your signature is the first: “{title}” is not released by it, but by the second, of "
            "another person. Nothing of it can be edited after that.",
            title=title,
        )
    slot = f"{slot}/{'second' if releases else 'first'}"
    draw_step(page, seen, slot, service, label, words, done, releases=releases)
