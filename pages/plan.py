"""Planning page: waves, sample and quotas, sampling points, and people."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.plan.page import draw_plan

run_page(PageKey.PLAN, draw_plan)
