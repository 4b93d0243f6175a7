r"""Which law describes these runs: by what it predicts of scales it did not see, and by AICc on those it did.

AICc = n ln(S/n) + 2 k + 2 k (k + 1)/(n - k - 1) (hurvich1989), S the sum of squares of ln L about the law, n cells, and
k its parameters and the variance. It trusts that one of the laws is true and its errors are normal. The held-out error
trusts nothing, and it leads: every origin trains on the smaller scales and predicts the larger ones (`backtest.py`),
the same cells for all laws. A law whose many parameters would leave too few origins to the others goes without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chemscale.base.errors import FitError
from chemscale.scaling.cells import Cells, check_design, merge_cells
from chemscale.scaling.laws import LAWS, Law, find_law
from chemscale.scaling.prediction.backtest import BackTest, backtest_cells, growth_of, origin_masks
from chemscale.scaling.solver.solve import make_design, solve

EXACT = 1e-26  # mean square of ln L below which the points lie on the law
AICC_MEANS = 2.0  # AICc must differ by more to count as a difference
ENOUGH_ORIGINS = 3  # fewer show no spread between origins
NOT_FITTED = "not fitted"


@dataclass(frozen=True)
class LawScore:
    """How one law did.

    Attributes:
        law: its name.
        formula: the law as text.
        n_parameters: of the law, the noise not counted.
        status: "converged", "at a bound: ...", "not converged" or "not fitted".
        reason: why it was not fitted, or has no held-out error; empty where it has one.
        aicc: None where the cells are too few for it, or the law was not fitted.
        held_out_median: mean over origins of the median |ln(measured/predicted)|; None where nothing could be held out.
        held_out_rms: root mean square of ln(measured/predicted); None as above.
        bias: mean of ln(measured/predicted); None as above.
        tied: whether these runs cannot tell it from the best law.
    """

    law: str
    formula: str
    n_parameters: int
    status: str
    reason: str = ""
    aicc: float | None = None
    held_out_median: float | None = None
    held_out_rms: float | None = None
    bias: float | None = None
    tied: bool = False

    @property
    def fitted(self) -> bool:
        """Whether the law could be fitted to all cells."""
        return self.status != NOT_FITTED


@dataclass(frozen=True)
class Comparison:
    """Laws side by side.

    Attributes:
        scores: one per law, the best held-out error first, then by AICc; laws that could not be fitted last.
        n_points: distinct cells.
        n_origins: times that larger scales were held out.
        best: the law with the smallest held-out error, or where nothing could be held out with the smallest AICc.
        tied: laws that these runs cannot tell from the best one, itself included.
        verdict: the result as a sentence.
    """

    scores: tuple[LawScore, ...]
    n_points: int
    n_origins: int
    best: str
    tied: tuple[str, ...]
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain JSON types."""
        return {**asdict(self), "scores": [asdict(score) for score in self.scores], "tied": list(self.tied)}

    def __str__(self) -> str:
        lines = [f"{'law':14s} {'parameters':>10s} {'held-out':>9s} {'rms':>8s} {'bias':>8s} {'AICc':>10s}  status"]
        for score in self.scores:
            held, rms, bias = (_percent(v) for v in (score.held_out_median, score.held_out_rms, score.bias))
            aicc = "-" if score.aicc is None else f"{score.aicc:.1f}"
            notes = [score.status, score.reason, "tied with the best" if score.tied and score.law != self.best else ""]
            lines.append(
                f"{score.law:14s} {score.n_parameters:10d} {held:>9s} {rms:>8s} {bias:>8s} {aicc:>10s}  "
                + "; ".join(note for note in notes if note)
            )
        return "\n".join([*lines, self.verdict])


def compare_laws(
    laws: Sequence[str | Law] | None, inputs: Mapping[str, ArrayLike], loss: ArrayLike, *, max_origins: int = 8
) -> Comparison:
    """Compare laws on the same runs.

    Args:
        laws: names or laws of so many inputs; None takes all of them except `increasing`, which is for scores.
        inputs: name -> [n_runs], in the order of the laws' inputs.
        loss: [n_runs].
        max_origins: at most so many origins of the back-tests.

    Raises:
        FitError: bad values, no law or the same twice, a law that takes other inputs, or none that can be fitted.
    """
    chosen = _chosen(laws, len(inputs))
    cells = merge_cells(dict(zip(chosen[0].inputs, inputs.values(), strict=True)), loss)
    fitted = {law.name: _fit(law, cells) for law in chosen}
    if not any(score.fitted for score in fitted.values()):
        reasons = "; ".join(f"{score.law}: {score.reason}" for score in fitted.values())
        raise FitError(f"none of the laws can be fitted to these runs. {reasons}")
    growth = growth_of(cells)
    origins = _common_origins([law for law in chosen if fitted[law.name].fitted], cells, growth, max_origins)
    smallest = int(origins[0].sum()) if len(origins) else 0
    tests = {
        law.name: backtest_cells(law, cells, origins, growth)
        for law in chosen
        if fitted[law.name].fitted and smallest > len(law.parameters)
    }
    return _ranked(fitted, tests, len(cells), len(origins))


def _chosen(laws: Sequence[str | Law] | None, n_inputs: int) -> list[Law]:
    if laws is None:
        found = [law for law in LAWS if len(law.inputs) == n_inputs and law.residual == "relative"]
    else:
        found = [find_law(law, n_inputs) if isinstance(law, str) else law for law in laws]
    names = [law.name for law in found]
    if not found:
        raise FitError(f"laws: there is no law to compare for {n_inputs} inputs; name one or more")
    if len(set(names)) < len(names):
        raise FitError(f"laws: each may be named once, got {', '.join(names)}")
    for law in found:
        if len(law.inputs) != n_inputs:
            raise FitError(f"laws: {law.name} takes {', '.join(law.inputs)}, and {n_inputs} inputs are given")
    return found


def _fit(law: Law, cells: Cells) -> LawScore:
    """The law fitted to all cells, without a held-out error."""
    try:
        check_design(cells, len(law.parameters), law.name)
    except FitError as error:
        return LawScore(law.name, law.formula, len(law.parameters), NOT_FITTED, str(error))
    design = make_design(law, cells.logs)
    found = solve(design, cells.log_loss[None])
    if not np.isfinite(found.squares[0]):
        return LawScore(law.name, law.formula, len(law.parameters), NOT_FITTED, "no start gave finite losses")
    residual = cells.log_loss - law.evaluate(found.theta, design.x[None])[0][0]
    edges = [name for name, edge in zip(law.names, found.at_bound[0], strict=True) if edge]
    status = f"at a bound: {', '.join(edges)}" if edges else "converged" if found.converged[0] else "not converged"
    aicc = corrected_aic(float((residual**2).sum()), len(cells), len(law.parameters))
    return LawScore(law.name, law.formula, len(law.parameters), status, aicc=aicc)


def corrected_aic(squares: float, n_points: int, n_parameters: int) -> float | None:
    """n ln(S/n) + 2 k + 2 k (k + 1)/(n - k - 1), k = n_parameters + 1; None for n <= k + 1 (hurvich1989).

    Args:
        squares: S, of ln L about the law.
        n_points: n, cells.
        n_parameters: of the law; its variance is one more.
    """
    k = n_parameters + 1
    if n_points <= k + 1:
        return None
    return n_points * float(np.log(max(squares / n_points, EXACT))) + 2 * k + 2 * k * (k + 1) / (n_points - k - 1)


def _common_origins(laws: Sequence[Law], cells: Cells, growth: np.ndarray, max_origins: int) -> np.ndarray:
    """Origins for as many laws as possible, but enough of them; else as many origins as any law has."""
    most = np.zeros((0, len(cells)), dtype=bool)
    for law in sorted(laws, key=lambda law: -len(law.parameters)):
        origins = origin_masks(cells, law, growth, max_origins=max_origins)
        most = origins if len(origins) > len(most) else most
        if len(most) >= ENOUGH_ORIGINS:
            break
    return most


def _ranked(fitted: dict[str, LawScore], tests: dict[str, BackTest], n_points: int, n_origins: int) -> Comparison:
    def order(score: LawScore) -> tuple[int, float]:
        if score.law in tests:
            return 0, tests[score.law].median_error
        if score.aicc is not None:
            return 1, score.aicc
        return (2 if score.fitted else 3), score.n_parameters

    ordered = sorted(fitted.values(), key=order)
    best = ordered[0]
    scores = tuple(_with_test(score, best, tests) for score in ordered)
    tied = tuple(score.law for score in scores if score.tied)
    return Comparison(scores, n_points, n_origins, best.law, tied, _verdict(scores, tied, n_origins))


def _with_test(score: LawScore, best: LawScore, tests: dict[str, BackTest]) -> LawScore:
    test = tests.get(score.law)
    if test is None:
        lacks = "too few runs to hold larger ones out from so many parameters" if score.fitted else score.reason
        return replace(score, reason=lacks, tied=not tests and score.fitted and _is_close(best, score))
    found = replace(score, held_out_median=test.median_error, held_out_rms=test.rms_error, bias=test.bias)
    return replace(found, tied=_is_tied(tests[best.law], test))


def _is_tied(best: BackTest, other: BackTest) -> bool:
    """Whether the paired differences over origins are smaller than they vary; one origin tells nothing."""
    difference = other.medians - best.medians
    return len(difference) < 2 or float(difference.mean()) <= float(difference.std(ddof=1))


def _is_close(best: LawScore, other: LawScore) -> bool:
    if best.aicc is None or other.aicc is None:
        return best.aicc is None or best.law == other.law
    return other.aicc - best.aicc <= AICC_MEANS


def _verdict(scores: tuple[LawScore, ...], tied: tuple[str, ...], n_origins: int) -> str:
    best = scores[0]
    by = "by AICc alone, for there are too few runs to hold any out"
    tested = sum(score.held_out_median is not None for score in scores)
    if tested == 1 and sum(score.fitted for score in scores) > 1:
        by = "as the only law whose few parameters leave larger scales to hold out"
    elif n_origins:
        by = f"by the error on larger scales, held out at {n_origins} origin{'' if n_origins == 1 else 's'}"
    elif best.aicc is None:
        by = "by so few runs"
    text = f"{best.law} is best {by}"
    if len(tied) > 1:
        text = f"tied: {', '.join(tied)} cannot be told apart {by}; {best.law} is first"
    with_aicc = [score for score in scores if score.aicc is not None]
    preferred = min(with_aicc, key=lambda score: score.aicc or 0.0).law if with_aicc else best.law
    return text if preferred in (*tied, best.law) else f"{text}. AICc, which sees no larger scale, prefers {preferred}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"
