"""Special groups: older people, children, the countryside, low incomes; and two supplements."""

from survey.publish.views.special_groups import GroupFilters, special_groups
from survey.publish.views.supplements import supplement
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import results_of, view_of


def body(visit: Visit) -> None:
    study = filters.pick_study(visit)
    with filters.filter_row():
        wave = filters.pick_wave(visit, study)
        if wave is None:
            return
        results = results_of(visit, wave)
        if study == "main":
            group = filters.pick_group(visit, results)
            indicator = filters.pick_indicator(visit, results)
            chosen = GroupFilters(group, indicator)
    if study == "main":
        view = view_of(visit, special_groups, results, filters=chosen)
        blocks.difference(visit, view.difference, view.sentence)
        drawn = view.pictures
    else:
        told = view_of(visit, supplement, results)
        blocks.answer(visit, told.headline, told.sentence, unit="%")
        drawn = told.pictures
    for picture in drawn:
        pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.SPECIAL_GROUPS, body)
