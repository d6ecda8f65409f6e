"""Reports and exports: single interviews for analysts, for a stated purpose."""

from survey.ui.export import export
from survey.ui.navigation import PageKey
from survey.ui.page import Visit, run_page


def body(visit: Visit) -> None:
    export(visit)


run_page(PageKey.EXPORT, body)
