"""The colours of what became of the runs."""

import re

import pytest

from chemscale.report.tuning.theme import FIXED, tuning_config


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("n_stages", [0, 1, 2, 4])
def test_every_outcome_has_a_colour_of_its_own(scheme: str, n_stages: int) -> None:
    colours = tuning_config(len(FIXED) + n_stages, scheme)["range"]["ordinal"]
    assert len(set(colours)) == len(FIXED) + n_stages
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


def test_later_stages_are_stronger_than_earlier_ones() -> None:
    for scheme, sign in (("light", -1), ("dark", 1)):
        stages = tuning_config(len(FIXED) + 4, scheme)["range"]["ordinal"][len(FIXED) :]
        lightness = [sum(int(colour[i : i + 2], 16) for i in (1, 3, 5)) * sign for colour in stages]
        assert lightness == sorted(lightness)
