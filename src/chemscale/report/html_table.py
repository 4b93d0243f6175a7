"""One HTML table for all pages, that scrolls where it is too large and sorts by a click where it may."""

import html
from collections.abc import Sequence


def table_html(heads: Sequence[str], kinds: Sequence[str], rows: str, sortable: bool = False) -> str:
    """A table.

    Args:
        heads: column titles, plain text.
        kinds: per column "text" (to the left) or "" (to the right).
        rows: the `<tr>` elements.
        sortable: whether a click on a title sorts the rows.
    """
    cells = []
    for head, kind in zip(heads, kinds, strict=True):
        label = html.escape(head)
        inner = f"<button type='button'>{label}</button>" if sortable else label
        cells.append(f"<th scope='col' class='{kind}'>{inner}</th>")
    size = " tall" if sortable else ""
    return (
        f"<div class='scroll{size}'><table><thead><tr>{''.join(cells)}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
