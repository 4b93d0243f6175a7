import pytest

from chemscale.base.errors import ConfigError
from chemscale.studies import devices
from chemscale.studies.devices import (
    DEVICES,
    LARGEST_UTILISATION,
    check_utilisation,
    device_peak,
    device_precision,
    device_speed,
    half_width,
    parse_device,
    utilisation,
)


@pytest.mark.parametrize(
    ("text", "name", "count", "gigabytes"),
    [
        ("v100x2", "v100", 2, 32),
        ("v100-32", "v100", 1, 32),
        ("v100-16x4", "v100-16", 4, 16),
        ("A100", "a100", 1, 40),
        ("a100-80x8", "a100-80", 8, 80),
        (" H100x16 ", "h100", 16, 80),
        ("h200", "h200", 1, 141),
    ],
)
def test_a_text_names_a_device_and_how_many(text: str, name: str, count: int, gigabytes: int) -> None:
    device = parse_device(text)
    assert (device.name, device.count, device.memory) == (name, count, gigabytes * 10**9)
    assert parse_device(str(device)) == device
    assert not device.is_measured


@pytest.mark.parametrize("text", ["this", "cpu"])
def test_the_machine_at_hand_is_measured(text: str) -> None:
    device = parse_device(text)
    assert device.name == "this"
    assert device.is_measured
    assert device.memory > 2**28


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v1000", "'v1000' is not known; did you mean 'v100'"),
        ("rtx", "'rtx' is not known; allowed: a100, a100-80, h100, h200, this"),
        ("", "'' is not known"),
        ("x2", "'x2' is not known"),
        ("v100x0", "'v100x0' is no device at all; give a number from 1"),
        ("v100x-1", "not known; did you mean 'v100-16'"),
        ("v100x1.5", "not known"),
        ("a\nb", "not known"),
        ("thisx2", "this is one machine, so leave x2 out"),
    ],
)
def test_what_is_no_device_is_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_device(text)


def test_a_device_without_bfloat16_computes_in_float32() -> None:
    assert device_precision(DEVICES["v100"], "auto") == "float32"
    assert device_precision(DEVICES["h200"], "auto") == "bfloat16"
    assert device_precision(DEVICES["h200"], "float32") == "float32"
    assert device_peak(DEVICES["v100"], "bfloat16") == DEVICES["v100"].peak_flops["float32"] == 15.7e12
    assert device_peak(DEVICES["a100"], "bfloat16") == 312e12


@pytest.mark.parametrize("name", [name for name in DEVICES if name not in devices.MEASURED_UTILISATION])
def test_utilisation_grows_with_width_to_its_limit(name: str) -> None:
    device = DEVICES[name]
    precision = device_precision(device, "auto")
    shares = [utilisation(device, precision, width) for width in (1, 16, 128, 1024, 8192, 10**9)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(LARGEST_UTILISATION, rel=1e-4)
    # far below the half width a step only moves memory, and the share is proportional to the width
    assert shares[1] / shares[0] == pytest.approx(16, rel=0.3)
    half = half_width(device, precision)
    assert half == pytest.approx(312 / 72 * device_peak(device, precision) / device.bandwidth)
    assert utilisation(device, precision, round(half)) == pytest.approx(LARGEST_UTILISATION / 2, rel=0.01)


def test_a_measured_table_is_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MEASURED_UTILISATION", {"h200": {64: 0.04, 256: 0.16, 1024: 0.32}})
    h200 = DEVICES["h200"]
    expected = {64: 0.04, 256: 0.16, 1024: 0.32, 128: 0.08, 512: 0.32 / 2**0.5, 16: 0.01, 4096: 0.32}
    assert {width: utilisation(h200, "bfloat16", width) for width in expected} == pytest.approx(expected)
    assert utilisation(h200, "float32", 64) != 0.04
    assert utilisation(DEVICES["h100"], "bfloat16", 64) != 0.04


def test_a_device_hour_is_one_hour_of_one_of_them() -> None:
    one, four = device_speed("a100", 0.5), device_speed("a100x4", 0.5)
    assert one.flops_per_hour == four.flops_per_hour == pytest.approx(312e12 * 0.5 * 3600)
    assert four.device.count == 4 and "one hour of one a100 is 5.62e+17 FLOPs, at 0.5" in str(four)
    assert "as given" in str(one) and "an assumption" in str(device_speed("a100"))
    assert device_speed("v100").share == LARGEST_UTILISATION / 2 and device_speed("v100").precision == "float32"


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="is no share of a peak"):
        device_speed("a100", share)


def test_the_peak_of_this_machine_is_not_known() -> None:
    with pytest.raises(ConfigError, match="the peak of this machine is not known"):
        device_speed("this")
    with pytest.raises(ConfigError, match="this machine is measured"):
        check_utilisation(0.4, parse_device("this"))
