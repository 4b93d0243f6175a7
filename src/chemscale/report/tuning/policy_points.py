"""Policies at several shares of the budget, on finished curves: what each saves and what it loses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chemscale.tpe import (
    Comparison,
    Curve,
    FirstEpochs,
    Halving,
    KeepBest,
    Policy,
    PolicyRow,
    Race,
    compare,
    shared_source,
)

SHARES = (0.03, 0.05, 0.1, 0.2, 0.35, 0.5)
BASELINE = "i epochs, keep 1 (baseline)"


@dataclass(frozen=True)
class PolicyPoint:
    """One policy at one share of the budget.

    Attributes:
        family: the policy without that share; points of one family are joined.
        share: of the budget, where it decides for the first time.
        row: what it did on the runs, and its means over resampled configurations.
    """

    family: str
    share: float
    row: PolicyRow


def policy_points(
    curves: Sequence[Curve],
    final: Mapping[str, float] | None = None,
    *,
    shares: Sequence[float] = SHARES,
    total_epochs: float | None = None,
    costs: Mapping[str, float] | None = None,
    seed_noise: float | None = None,
    n_resamples: int = 200,
    seed: int = 0,
) -> tuple[PolicyPoint, ...]:
    """Every family of policies at every share of the budget; arguments as in `tpe.compare`.

    Args:
        curves: the finished curves.
        final: run -> converged loss; the curves' own ends where absent.
        shares: of the budget, where the first decision falls.
        total_epochs: the full budget; the longest curve's where absent.
        costs: run -> cost of the whole run.
        seed_noise: standard deviation of the final losses between seeds.
        n_resamples: bootstrap samples of the configurations.
        seed: of the bootstrap.

    Raises:
        DataError: fewer than four runs have a known final loss.
    """
    total = total_epochs or max((curve.seen for curve in curves), default=0.0)
    named = {
        f"{family} {share!r}": (family, share, policy)
        for share in shares
        for family, policy in _families(curves, share, total).items()
    }
    table = compare(
        curves,
        final,
        fractions=shares[:1],
        policies={name: policy for name, (_, _, policy) in named.items()},
        total_epochs=total,
        costs=costs,
        seed_noise=seed_noise,
        n_resamples=n_resamples,
        seed=seed,
    )
    return tuple(PolicyPoint(*named[row.policy][:2], row) for row in table.policies)


def points_of(comparison: Comparison) -> tuple[PolicyPoint, ...]:
    """The policies of a comparison as points, each a family of its own."""
    return tuple(PolicyPoint(row.policy, 0.0, row) for row in comparison.policies)


def _families(curves: Sequence[Curve], share: float, total_epochs: float) -> dict[str, Policy]:
    validated = shared_source([curve.up_to(share * total_epochs) for curve in curves]) == "validation"
    return {
        "window, keep 3": KeepBest(share, 3),
        "window, keep 1": KeepBest(share, 1),
        "sum, keep 1 (the paper)": KeepBest(share, 1, "sum"),
        "halving": Halving(first=share),
        "race": Race(start=share),
        BASELINE: FirstEpochs(share * total_epochs, 1, "last_validation" if validated else "tse_e"),
    }
