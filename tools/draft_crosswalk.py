"""Write a first crosswalk between two trees of `seed/trees`, for people to check and correct.

`python tools/draft_crosswalk.py cca-2021 cca-2023`
"""

import sys

from survey.instrument.indicator_tree import read_tree
from survey.results.crosswalk import TREES, derive_crosswalk, file_name, write_crosswalk

if __name__ == "__main__":
    before, after = (read_tree(TREES / f"{name}.csv") for name in sys.argv[1:3])
    write_crosswalk(derive_crosswalk(before, after), TREES / file_name(before.name, after.name))
