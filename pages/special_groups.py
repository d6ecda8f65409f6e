"""Special groups: older people, children, the countryside, low incomes; and two supplements."""

from survey.publish.views.special_groups import GroupFilters, group_choices, special_groups
from survey.publish.views.supplements import supplement
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import results_of, view_of
from survey.ui.url import pick


def body(visit: Visit) -> None:
    study = filters.pick_study(visit)
    with filters.filter_row():
        wave = filters.pick_wave(visit, study)
        if wave is None:
            return
        results = results_of(visit, wave)
        if study == "main":
            groups = group_choices(results)
            show = filters.names_of(visit, results).group
            group = pick(visit.t("Group"), "group", groups, show=show, language=visit.language)
            indicator = filters.pick_indicator(visit, results)
    if study != "main":
        told = view_of(visit, supplement, results)
        blocks.answer(visit, told.headline, told.sentence, unit="%", minimum=10)
        drawn = told.pictures
    else:
        view = view_of(visit, special_groups, results, filters=GroupFilters(group, indicator))
        blocks.difference(visit, view.difference, view.sentence)
        drawn = (view.groups, view.indicators, view.cities, view.topic)
    for picture in drawn:
        pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.SPECIAL_GROUPS, body)
