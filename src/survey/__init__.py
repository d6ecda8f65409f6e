"""The Hundred Cities Survey: questionnaire, fieldwork, estimates and honest dashboards."""

import time

STARTED_AT = time.time()
"""When this process began, as files tell the time."""
