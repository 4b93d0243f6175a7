"""Budgets as people write them: an amount with a unit, and what device-hours are in FLOPs [no torch]."""

import math
import re
from dataclasses import dataclass

from chemscale.base.errors import UserError
from chemscale.scaling.table_file import plain_name
from chemscale.studies.devices import DeviceSpeed

FLOPS = "FLOPs"
DEVICE_HOURS = "device-hours"
LABEL_UNITS = ("molecules", "labels", "tokens", "points", "frames", "blocks", "data")
HOUR_UNITS = ("h", "hour", "hours", "devicehour", "devicehours", "gpuhour", "gpuhours")
MULTIPLES = ("kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta")
_BUDGET = re.compile(
    r"^\s*(?P<amount>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*(?P<unit>[^0-9.,+\-\s].*?)?\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Budget:
    """What may be spent: an amount and its unit (`FLOPs`, `device-hours`, one of the labels, or a cost column)."""

    amount: float
    unit: str

    @property
    def of_labels(self) -> bool:
        """Whether it counts data and not what training costs."""
        return self.unit in LABEL_UNITS


def parse_budget(text: str, cost_unit: str = FLOPS) -> Budget:
    """Read `1e18` (in the unit of the cost), `300 h`, `1e6 molecules`.

    Raises:
        UserError: it is none of these, or no finite amount above zero.
    """
    match = _BUDGET.match(text)
    amount = float(match["amount"]) if match else math.nan
    if not match or not (math.isfinite(amount) and amount > 0):
        raise UserError(
            f"--budget: expected a finite number above 0 and a unit, as in 1e18, '300 h', '1e6 molecules', got {text!r}"
        )
    unit = plain_name(match["unit"] or "")
    if not unit or unit == plain_name(cost_unit):
        return Budget(amount, cost_unit)
    if unit in ("flops", "flop"):
        return Budget(amount, FLOPS)
    if unit in HOUR_UNITS:
        return Budget(amount, cost_unit if "hour" in cost_unit.lower() else DEVICE_HOURS)
    if unit in LABEL_UNITS:
        return Budget(amount, unit)
    own = "" if cost_unit == FLOPS else f"{cost_unit}, "
    raise UserError(
        f"--budget: no unit is called {match['unit']!r}; use {own}FLOPs, h (device-hours), or {', '.join(LABEL_UNITS)}"
    )


def unit_of_column(name: str) -> str:
    """`FLOPs` where a cost column counts them one by one; else the column's own name, for PFLOPs and seconds alike.

    That is a column called flop or flops, or one that ends in such a word: `training_flops`, `Training FLOP`.
    """
    match = re.fullmatch(r"(?P<before>.*?)(?P<gap>[\s_\-.(\[]*)flops?[)\]]?", name.strip(), re.IGNORECASE)
    if not match:
        return name
    before, words = match["before"], re.split(r"[\s_\-.]+", match["before"].lower())
    # `PFLOPs` and `petaFLOPs` are multiples, with a gap or without; `trainFLOPs` is not.
    is_word = not before or bool(match["gap"]) or bool(re.search("[a-z]{3}$", before) and "FLOP" in name)
    multiple = words[-1] in tuple("kmgtpezy") or words[-1].endswith(MULTIPLES)
    return FLOPS if is_word and not multiple else name


def as_flops(budget: Budget, speed: DeviceSpeed | None) -> Budget:
    """A budget of device-hours in FLOPs; any other as it is.

    Raises:
        UserError: device-hours, and no device.
    """
    if budget.unit != DEVICE_HOURS:
        return budget
    if speed is None:
        raise UserError("--budget: device-hours need --device, for example --device a100x4")
    return Budget(budget.amount * speed.flops_per_hour, FLOPS)


def hours_note(flops: float, speed: DeviceSpeed) -> str:
    """A budget of FLOPs in device-hours, and what one of them is."""
    hours, count = flops / speed.flops_per_hour, speed.device.count
    together = f" in all, that is {hours / count:.4g} h on {count} devices" if count > 1 else ""
    return f"the budget is {flops:.4g} FLOPs or {hours:.4g} device-hours{together}: {speed}"


def label_note(budget: Budget, column: str) -> str:
    """In which unit a budget of data points is read, with a warning where that is not the one it was given in."""
    in_tokens = "token" in column.lower() or "6 " in column
    reading = f"the budget is read as {budget.amount:.6g} of the table's data, {column!r}"
    if in_tokens == (budget.unit == "tokens"):
        return reading
    counted = "tokens" if in_tokens else "data points and not tokens"
    return f"warning: {reading}: they are {counted}, and it was given in {budget.unit}"
