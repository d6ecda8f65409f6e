"""City page: score, strengths and priorities of one city, and tabs with the rest."""

from survey.ui.city import draw_city
from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page

run_page(PageKey.CITY, draw_city)
