"""Accessible HTML tables that scroll inside a narrow screen."""

from collections.abc import Iterable, Sequence
from html import escape


def render_table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, long_names: bool = False
) -> str:
    """Render a table; the first cell of each row is its header, and long names may wrap."""
    header = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(_render_row(cells) for cells in rows)
    look = "hcs-findings" if long_names else "hcs-heat"
    return (
        f'<div class="{look}"><table><thead><tr>{header}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_row(cells: Sequence[str]) -> str:
    first, *rest = cells
    others = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{escape(first)}</th>{others}</tr>'
