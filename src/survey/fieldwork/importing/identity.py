"""By what a row is known again, so that the same file twice adds nothing."""

from collections import Counter
from uuid import UUID, uuid5

import orjson

_NAMESPACE = UUID("6f3d1a52-7a39-5b0c-8f0e-2d9a3c41be77")


class RowNames:
    """A UUID for each row that depends on nothing but the wave and what the row says.

    The same file again makes the same UUIDs; two people who answered alike are told apart by
    counting, because within one file both are meant.
    """

    def __init__(self, wave_key: str, header: tuple[str, ...]) -> None:
        self._order = sorted(range(len(header)), key=lambda place: (header[place], place))
        named = "\x1f".join(header[place] for place in self._order)
        self._namespace = uuid5(_NAMESPACE, f"{wave_key}\x1e{named}")
        self._seen: Counter[UUID] = Counter()

    def name(self, cells: list[str]) -> UUID:
        content = [cells[place].strip() if place < len(cells) else "" for place in self._order]
        same = uuid5(self._namespace, orjson.dumps(content).decode())
        self._seen[same] += 1
        return same if self._seen[same] == 1 else uuid5(same, str(self._seen[same]))


class GivenNames:
    """UUIDs for rows that the other tool numbered: the number alone says which interview it is."""

    def __init__(self, wave_key: str) -> None:
        self._namespace = uuid5(_NAMESPACE, f"{wave_key}\x1eidentity")
        self._rows: dict[UUID, int] = {}

    def name(self, identity: str) -> UUID:
        return uuid5(self._namespace, identity.removeprefix("uuid:").casefold())

    def first_row(self, name: UUID, number: int) -> int:
        """In which row of the file this interview stood first."""
        return self._rows.setdefault(name, number)
