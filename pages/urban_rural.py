"""Urban and rural page: differences between town and countryside, by field of consumption."""

from survey.ui.navigation import PageKey
from survey.ui.page_runner import run_page
from survey.ui.urban_rural import draw_urban_rural

run_page(PageKey.URBAN_RURAL, draw_urban_rural)
