"""Special groups: older people, children, the countryside, low incomes; and two supplements."""

from survey.publish.views.small_area_comparison import WAVES, SmallAreaFilters
from survey.publish.views.small_areas import band_choices, build_small_area_view
from survey.publish.views.special_groups import GroupFilters, build_special_groups_view
from survey.publish.views.supplements import build_supplement_view
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.results_cache import get_results, get_view, list_other_waves


def draw_page(visit: PageContext) -> None:
    study = filters.pick_study(visit)
    chosen = GroupFilters()
    with filters.filter_row():
        wave = filters.pick_wave(visit, study)
        if wave is None:
            return
        results = get_results(visit, wave)
        if study == "main":
            group = filters.pick_group(visit, results)
            chosen = GroupFilters(group, filters.pick_indicator(visit, results))
    if study == "main":
        view = get_view(visit, build_special_groups_view, results, filters=chosen)
        text_blocks.draw_difference(visit, view.difference, view.sentence)
        drawn = view.chart_panels
    else:
        supplement_view = get_view(visit, build_supplement_view, results)
        text_blocks.draw_headline(
            visit, supplement_view.headline, supplement_view.sentence, unit="%"
        )
        drawn = supplement_view.chart_panels
    for picture in drawn:
        chart_panel.draw_chart_panel(visit, picture, demo=wave.is_demo)
    followed = band_choices(results)
    if not followed:
        return
    with filters.filter_row("cities"):
        if study != "main":
            chosen = GroupFilters(filters.pick_group(visit, results, followed))
        beside = filters.pick_comparison(visit)
    others = list_other_waves(visit, wave) if beside == WAVES else ()
    asked = SmallAreaFilters(chosen.group, chosen.indicator, beside)
    cities = get_view(visit, build_small_area_view, results, others=others, filters=asked)
    text_blocks.draw_sentence(cities.sentence)
    chart_panel.draw_chart_panel(visit, cities.cities, demo=wave.is_demo)


run_page(PageKey.SPECIAL_GROUPS, draw_page)
