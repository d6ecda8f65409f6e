"""Labels of the areas that respondents live in."""

import pandas as pd
import pytest

from survey.frame.city_frame import build_frame_table, shipped_cities
from survey.results.domains import AREA_LEVELS, area_labels


@pytest.mark.parametrize("dtype", ["str", "category", "object"])
def test_rows_have_the_areas_of_their_city_and_share_the_texts(dtype: str) -> None:
    codes = pd.Series(["320500", "110000", "320500", "110000"], dtype=dtype)
    labels = area_labels(codes, build_frame_table(shipped_cities()))
    assert tuple(labels) == AREA_LEVELS
    assert labels["city"].tolist() == codes.tolist()
    assert labels["province"].tolist() == ["32", "11", "32", "11"]
    for level, areas in labels.items():
        assert areas.dtype == object, level
        assert areas[0] is areas[2], level
        assert areas[1] is areas[3], level
