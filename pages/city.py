"""City page: score, strengths and priorities of one city, and tabs with the rest."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.city import draw_city

run_page(PageKey.CITY, draw_city)
