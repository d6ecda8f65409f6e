"""The Hundred Cities Survey: questionnaire, fieldwork, estimates and honest dashboards."""

import os
import time

# Arrow reads this when it is first imported. Its own allocator keeps what was freed for itself,
# 20 MiB of a freeze at its highest point; the C library's is shared with everything else, and
# `release_freed_memory` gives it back.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

STARTED_AT = time.time()
"""When this process began, as files tell the time."""
