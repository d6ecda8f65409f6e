"""Urban and rural page: differences between town and countryside, by field of consumption."""

from survey.kit.navigation import PageKey
from survey.kit.page_runner import run_page
from survey.screens.special_groups import draw_urban_rural

run_page(PageKey.URBAN_RURAL, draw_urban_rural)
