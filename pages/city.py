"""One city: its score beside the nation and its peers, strengths and gaps, groups, reports."""

from survey.publish.views.city import AGAINST, CityFilters, city_choices, city_profile
from survey.ui import blocks, filters, pictures
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page
from survey.ui.results import results_of, view_of
from survey.ui.url import pick


def body(visit: Visit) -> None:
    t = visit.t
    with filters.filter_row():
        wave = filters.pick_wave(visit, "main")
        if wave is None:
            return
        results = results_of(visit, wave)
        city = filters.pick_city(visit, view_of(visit, city_choices, results))
        against = pick(
            t("Beside"), "against", list(AGAINST), show=lambda key: t(AGAINST[key]),
            language=visit.language,
        )  # fmt: skip
        detail = filters.pick_detail(visit)
        topic = filters.pick_topic(visit, results)
    chosen = CityFilters(city, against, detail, topic)
    view = view_of(visit, city_profile, results, filters=chosen)
    blocks.place(view.name, view.place)
    blocks.answer(visit, view.headline, view.sentence, unit=t("points"), minimum=10)
    blocks.say(view.comparison)
    none = t("No detectable difference")
    blocks.findings(t, (t("Strengths"), view.strengths, none), (t("Gaps"), view.weaknesses, none))
    for picture in (view.tree, view.groups, *view.measures):
        pictures.draw(visit, picture, demo=wave.is_demo)


run_page(PageKey.CITY, body)
