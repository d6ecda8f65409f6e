"""Waves and sampling: make a wave, plan its sample, draw its points, post its people."""

from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.plan import plan


def body(visit: Visit) -> None:
    plan(visit)


run_page(PageKey.PLAN, body)
