"""Lines of a large table as bytes: each distinct cell of a column is written once.

Neighbouring columns with few distinct cells are joined to one, whose cells are their pairs, until
there are fewer cells to lay side by side than the table has.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_MAX_PAIRS = 4_096
"""Cells of joined columns; all pairs are made, whether a row has them or not."""
_CHUNK_ROWS = 4_000
"""Rows that are laid out at a time: a large file lies in memory twice, not four times."""


@dataclass(frozen=True, eq=False)
class CodedTexts:
    """A column as its distinct texts and, for each row, the index of its text."""

    texts: Sequence[str]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, column: pd.Series, write: Callable[[object], str]) -> "CodedTexts":
        """Return a column as texts of `write`, which gets each distinct value once, or None."""
        kind = column.dtype
        if isinstance(kind, pd.CategoricalDtype):
            found, codes = column.cat.categories.tolist(), column.cat.codes.to_numpy()
        elif pd.api.types.is_float_dtype(kind):
            codes, numbers = pd.factorize(column.to_numpy(dtype=float, na_value=np.nan))
            found = numbers.tolist()
        elif pd.api.types.is_integer_dtype(kind) or isinstance(kind, pd.StringDtype):
            codes, distinct = pd.factorize(column)
            found = pd.Series(distinct).tolist()
        else:
            # Objects may be of several kinds, some of them equal.
            return cls.each([write(value) for value in column.tolist()])
        texts = [*(write(value) for value in found), write(None)]
        return cls(texts, np.where(codes < 0, len(found), codes).astype(np.int32))

    @classmethod
    def each(cls, texts: Sequence[str]) -> "CodedTexts":
        """Return a column that holds one text for each row, without looking for equal ones."""
        return cls(texts, np.arange(len(texts), dtype=np.int32))

    def join(self, right: "CodedTexts") -> "CodedTexts":
        """Return one column of this and `right`: in each row the two texts, one after the other."""
        texts = [first + second for first in self.texts for second in right.texts]
        return CodedTexts(texts, self.codes * np.int32(len(right.texts)) + right.codes)


def iter_line_bytes(columns: Iterable[CodedTexts]) -> Iterator[bytes]:
    """Yield the table in UTF-8, row by row, the cells of a row joined; several rows a chunk."""
    joined = _join_neighbours(columns)
    if not joined:
        return
    texts = [pa.array(column.texts, pa.large_string()) for column in joined]
    nothing = pa.scalar("", pa.large_string())
    for start in range(0, len(joined[0].codes), _CHUNK_ROWS):
        cells = [
            text.take(pa.array(column.codes[start : start + _CHUNK_ROWS]))
            for text, column in zip(texts, joined, strict=True)
        ]
        yield from _iter_text_bytes(pc.binary_join_element_wise(*cells, nothing, nothing))


def _join_neighbours(columns: Iterable[CodedTexts]) -> list[CodedTexts]:
    joined: list[CodedTexts] = []
    for column in columns:
        last = joined[-1] if joined else None
        if last and len(last.texts) * len(column.texts) <= min(_MAX_PAIRS, len(column.codes)):
            joined[-1] = last.join(column)
        else:
            joined.append(column)
    return joined


def _iter_text_bytes(texts: pa.Array | pa.ChunkedArray) -> Iterator[bytes]:
    """Yield the texts of an array as UTF-8 bytes, one chunk of the array at a time."""
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        _, offsets, data = chunk.buffers()
        ends = np.frombuffer(offsets, dtype=np.int64)
        first, last = ends[chunk.offset], ends[chunk.offset + len(chunk)]
        yield data.slice(first, last - first).to_pybytes() if data is not None else b""
