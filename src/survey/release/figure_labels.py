"""Names of the areas, groups and indicators of `figures.csv` (`labels.json`), in every language.

Indicators and groups are named by the wave, so that a release without its store would have codes.
"""

from io import BytesIO

import orjson
import pandas as pd

from survey.figures.views.display_names import DisplayNames
from survey.locale import LANGUAGES
from survey.results import WaveResults

KINDS = ("area", "group", "indicator")


def build_labels(results: WaveResults, figures: bytes) -> bytes:
    """Return `labels.json` as bytes: kind -> code -> language -> name, of the codes in `figures`.

    Args:
        figures: Content of `figures.csv`; what is hidden there is not named here.
    """
    codes = pd.read_csv(
        BytesIO(figures), usecols=list(KINDS), dtype="category", keep_default_na=False
    )
    names = {language: DisplayNames.of(results, language) for language in LANGUAGES}
    labels = {
        kind: {
            str(code): {
                language: getattr(known, kind)(str(code)) for language, known in names.items()
            }
            for code in sorted(codes[kind].cat.categories)
        }
        for kind in KINDS
    }
    return orjson.dumps(labels, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
