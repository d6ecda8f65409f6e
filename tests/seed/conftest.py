"""`seed/` stands beside the package; tests of the generator import it from the project folder."""

import sys

from survey.settings import PROJECT_ROOT

if str(PROJECT_ROOT) not in sys.path:
    sys.path.insert(0, str(PROJECT_ROOT))
