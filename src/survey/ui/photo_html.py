"""HTML of a stored photo, which opens large in a page of its own."""

from html import escape

from survey.web.photo_endpoint import photo_url


def render_photo(photo_id: str, label: str) -> str:
    """Render a photo; the browser fetches it with the session of the reader."""
    address = escape(photo_url(photo_id), quote=True)
    return (
        f'<a href="{address}" target="_blank" rel="noopener"><img class="hcs-photo" '
        f'loading="lazy" src="{address}" alt="{escape(label, quote=True)}"></a>'
    )
