"""When each account last changed something through this process.

Every change leaves an audit entry with its actor, so the entries of a commit say whose it was. Who
has just written reads from the primary until the read replica has it (`store/read_replica.py`).
"""

import time
from collections.abc import Iterable
from uuid import UUID

REMEMBERED_SECONDS = 3_600.0
"""A replica that is further behind is not read at all."""
_PRUNED_ABOVE = 10_000
_committed_at: dict[UUID, float] = {}


def note_commit(actors: Iterable[UUID]) -> None:
    """Remember that these accounts committed a change at this moment."""
    moment = time.monotonic()
    for actor in actors:
        _committed_at[actor] = moment
    if len(_committed_at) > _PRUNED_ABOVE:
        for actor, at in list(_committed_at.items()):
            if moment - at > REMEMBERED_SECONDS:
                _committed_at.pop(actor, None)


def last_commit_of(actor: UUID) -> float:
    """Return the reading of the monotonic clock at the account's last commit; -inf if unknown."""
    return _committed_at.get(actor, float("-inf"))
