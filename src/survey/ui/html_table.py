"""Accessible HTML tables that scroll inside a narrow screen."""

from collections.abc import Collection, Iterable, Sequence
from html import escape

_WHOLE = ' class="whole"'
_MAX_PHONE_COLUMNS = 3


def render_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, long_names: bool = False
) -> str:
    """Render a table; the first cell of each row is its header, and long names may wrap."""
    body = "".join(map(_render_row, rows))
    return frame_rows(heads, body, style="hcs-named" if long_names else "hcs-heat")


def render_text_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, whole: Collection[int] = ()
) -> str:
    """Render a table of texts, which wrap and begin at the left.

    On a phone each row of a wide table is a card: columns at its end would not be seen.

    Args:
        whole: Columns, from 0, whose cells stay on one line, such as days.
    """
    if len(heads) <= _MAX_PHONE_COLUMNS:
        body = "".join(_render_row(cells, whole) for cells in rows)
        return frame_rows(heads, body, style="hcs-texts")
    body = "".join(_render_row(cells, whole, heads) for cells in rows)
    return frame_rows(heads, body, style="hcs-texts hcs-cards")


def frame_rows(heads: Sequence[str], body: str, *, style: str = "hcs-heat") -> str:
    """Render a table around finished rows; the lines of a head stand below each other.

    The box can be reached by keyboard, as some of them are higher or wider than their place.
    """
    header = "".join(
        f'<th scope="col">{escape(head).replace(chr(10), "<br>")}</th>' for head in heads
    )
    return (
        f'<div class="{style}" tabindex="0"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_row(
    cells: Sequence[str], whole: Collection[int] = (), labels: Sequence[str] = ()
) -> str:
    """Render a row; `labels` name its cells where they stand without the head."""
    first, *rest = cells
    others = "".join(
        f"<td{_WHOLE if column in whole else ''}{_render_label(labels, column)}>{escape(cell)}</td>"
        for column, cell in enumerate(rest, start=1)
    )
    name = _WHOLE if 0 in whole else ""
    return f'<tr><th scope="row"{name}>{escape(first)}</th>{others}</tr>'


def _render_label(labels: Sequence[str], column: int) -> str:
    return f' data-label="{escape(labels[column], quote=True)}"' if labels else ""


def render_plain_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table for print and phones, where a canvas shows one part of it at most.

    Args:
        rows: Cells as HTML, so that the first may hold a link.
    """
    header = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = []
    for name, *cells in rows:
        others = "".join(
            f'<td data-label="{escape(head, quote=True)}">{cell}</td>'
            for head, cell in zip(heads[1:], cells, strict=True)
        )
        body.append(f'<tr><th scope="row">{name}</th>{others}</tr>')
    return (
        f'<table class="hcs-plain" tabindex="0"><thead><tr>{header}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )
