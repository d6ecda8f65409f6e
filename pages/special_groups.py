"""Special groups page: older people, children, rural areas, low incomes; two supplements."""

from survey.publish.views.small_areas import (
    WAVES,
    SmallAreaFilters,
    band_choices,
    build_small_area_view,
)
from survey.publish.views.special_groups import GroupFilters, build_special_groups_view
from survey.publish.views.supplements import build_supplement_view
from survey.ui import chart_panel, filters, text_blocks
from survey.ui.navigation import PageKey
from survey.ui.page_runner import PageContext, run_page
from survey.ui.results_cache import get_results, get_view, list_other_waves


def draw_page(page: PageContext) -> None:
    study = filters.pick_study(page)
    chosen = GroupFilters()
    with filters.filter_row():
        wave = filters.pick_wave(page, study)
        if wave is None:
            return
        results = get_results(page, wave)
        if study == "main":
            group = filters.pick_group(page, results)
            chosen = GroupFilters(group, filters.pick_indicator(page, results))
    if study == "main":
        view = get_view(page, build_special_groups_view, results, filters=chosen)
        text_blocks.draw_difference(page, view.difference, view.sentence)
        drawn = view.chart_panels
    else:
        supplement_view = get_view(page, build_supplement_view, results)
        text_blocks.draw_headline(
            page, supplement_view.headline, supplement_view.sentence, unit="%"
        )
        text_blocks.draw_method_note(page, supplement_view.headline)
        drawn = supplement_view.chart_panels
    for picture in drawn:
        chart_panel.draw_chart_panel(page, picture, demo=wave.is_demo)
    followed = band_choices(results)
    if not followed:
        return
    with filters.filter_row("cities"):
        if study != "main":
            chosen = GroupFilters(filters.pick_group(page, results, followed))
        beside = filters.pick_comparison(page)
    others = list_other_waves(page, wave) if beside == WAVES else ()
    asked = SmallAreaFilters(chosen.group, chosen.indicator, beside)
    cities = get_view(page, build_small_area_view, results, others=others, filters=asked)
    text_blocks.draw_sentence(cities.sentence)
    chart_panel.draw_chart_panel(page, cities.cities, demo=wave.is_demo)


run_page(PageKey.SPECIAL_GROUPS, draw_page)
