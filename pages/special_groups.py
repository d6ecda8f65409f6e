"""Special groups page: older people, children, rural areas, low incomes; two supplements."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.special_groups import draw_special_groups

run_page(PageKey.SPECIAL_GROUPS, draw_special_groups)
