"""Tables of a page."""

from chemscale.report.html_table import table_html


def test_heads_are_escaped_and_stand_as_their_kind_says() -> None:
    text = table_html(["a < b", "n"], ["text", ""], "<tr><td>x</td><td>1</td></tr>")
    assert "<th scope='col' class='text'>a &lt; b</th><th scope='col' class=''>n</th>" in text
    assert "<tbody><tr><td>x</td><td>1</td></tr></tbody>" in text and "<button" not in text


def test_a_sortable_table_has_buttons_and_scrolls() -> None:
    text = table_html(["n"], [""], "", sortable=True)
    assert "<button type='button'>n</button>" in text and "class='scroll tall'" in text
