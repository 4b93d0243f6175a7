"""Numbers, labels and ticks for people."""

import altair as alt
import pandas as pd
import pytest
import vl_convert

from chemscale.report.axes import TICK_LABEL, group_labels, log_ticks, padded, short, title_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (77600, "77.6k"), (1208455168, "1.21B"), (100, "100"), (0.5, "0.5"), (1e5, "100k"), (3e12, "3T"),
        (2.4e16, "2.4e16"), (999.9, "1k"), (999_999, "1M"), (float("nan"), "–"), (0, "0"),
    ],
)  # fmt: skip
def test_short_numbers(value: float, text: str) -> None:
    assert short(value) == text


def test_labels_are_in_order_and_tell_values_apart() -> None:
    assert group_labels([10000, 100, 1000, 100]) == {100: "100", 1000: "1k", 10000: "10k"}
    close = group_labels([100000, 100001])
    assert len(set(close.values())) == 2
    assert group_labels(["bfloat16", "float32"]) == {"bfloat16": "bfloat16", "float32": "float32"}
    assert group_labels([1234000, 1234400]) == {1234000: "1.234M", 1234400: "1.2344M"}
    assert group_labels([True, False]) == {False: "False", True: "True"}
    assert group_labels([1, "1"]) == {1: "1", "1": "'1'"}


@pytest.mark.parametrize(("low", "high"), [(0.6, 1.4), (1e4, 1e7), (900, 33000), (1, 1e18), (2.0, 2.1), (100, 101)])
def test_ticks_lie_inside_and_are_neither_few_nor_many(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 12


@pytest.mark.parametrize(("value", "text"), [(0.01, ">0.01<"), (0.3, ">0.3<"), (1e9, ">1B<"), (3e4, ">30k<")])
def test_ticks_below_one_are_decimals(value: float, text: str) -> None:
    axis = alt.Axis(values=[value], labelExpr=TICK_LABEL)
    x = alt.X("x:Q", scale=alt.Scale(type="log", domain=(value / 2, value * 2)), axis=axis)
    svg = vl_convert.vegalite_to_svg(alt.Chart(pd.DataFrame({"x": [value]})).mark_point().encode(x=x).to_dict())
    assert text in svg


def test_padding_keeps_a_single_value_in_the_middle() -> None:
    low, high = padded(5, 5)
    assert low < 5 < high


def test_titles_have_units() -> None:
    assert title_of("validation_loss", loss_unit="nats per token") == "validation loss (nats per token)"
    assert title_of("data_points", "frames") == "training frames"
    assert title_of("model.width") == "model.width"
