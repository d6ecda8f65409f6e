"""Accessible HTML tables that scroll inside a narrow screen."""

from collections.abc import Iterable, Sequence
from html import escape


def render_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, long_names: bool = False
) -> str:
    """Render a table; the first cell of each row is its header, and long names may wrap."""
    body = "".join(map(_render_row, rows))
    return frame_rows(heads, body, style="hcs-named" if long_names else "hcs-heat")


def render_text_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Render a table of texts, which wrap and begin at the left."""
    return frame_rows(heads, "".join(map(_render_row, rows)), style="hcs-texts")


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


def _render_row(cells: Sequence[str]) -> str:
    first, *rest = cells
    others = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{escape(first)}</th>{others}</tr>'


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
