"""Special groups: older people, children, the countryside, low incomes; and two supplements."""

from survey.publish.views.small_area_beside import WAVES, SmallAreaFilters
from survey.publish.views.small_areas import band_choices, small_areas
from survey.publish.views.special_groups import GroupFilters, special_groups
from survey.publish.views.supplements import supplement
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import other_waves, results_of, view_of


def body(visit: Visit) -> None:
    study = filters.pick_study(visit)
    chosen = GroupFilters()
    with filters.filter_row():
        wave = filters.pick_wave(visit, study)
        if wave is None:
            return
        results = results_of(visit, wave)
        if study == "main":
            group = filters.pick_group(visit, results)
            chosen = GroupFilters(group, filters.pick_indicator(visit, results))
    if study == "main":
        view = view_of(visit, special_groups, results, filters=chosen)
        blocks.difference(visit, view.difference, view.sentence)
        drawn = view.pictures
    else:
        supplement_view = view_of(visit, supplement, results)
        blocks.answer(visit, supplement_view.headline, supplement_view.sentence, unit="%")
        drawn = supplement_view.pictures
    for picture in drawn:
        pictures.draw(visit, picture, demo=wave.is_demo)
    followed = band_choices(results)
    if not followed:
        return
    with filters.filter_row("cities"):
        if study != "main":
            chosen = GroupFilters(filters.pick_group(visit, results, followed))
        beside = filters.pick_beside(visit)
    others = other_waves(visit, wave) if beside == WAVES else ()
    asked = SmallAreaFilters(chosen.group, chosen.indicator, beside)
    cities = view_of(visit, small_areas, results, others=others, filters=asked)
    blocks.say(cities.sentence)
    pictures.draw(visit, cities.cities, demo=wave.is_demo)


run_page(PageKey.SPECIAL_GROUPS, body)
