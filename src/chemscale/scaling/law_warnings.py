"""What a reader should know before using a fitted law."""

import numpy as np
from scipy import special

from chemscale.scaling.law_fit import LawFit
from chemscale.scaling.power_law_warnings import ALL_EQUAL
from chemscale.scaling.regimes import Label

CURVED = 0.01  # false-alarm rate of the test for what the law leaves over
CUBIC_POINTS = 24  # cells of a joint law from which curvature of the third order is looked for too
SHORT_DECADES = 1.0
EXACT = 1e-12
TRAINING_LIMITS: tuple[Label, ...] = ("step-limited", "repetition-limited")
MOST = 0.5  # share of the cells
MUCH_SHARED = 3.0  # shared error over a cell's own, beyond which a wrong form is likelier than bad luck


def fit_warnings(fit: LawFit, no_shared_noise_found: bool) -> tuple[str, ...]:
    """All warnings that apply, in the order of their weight.

    Args:
        fit: the fit.
        no_shared_noise_found: data sizes are shared by several runs, and no shared error was seen.
    """
    found = [_exponents(fit), _status(fit), _shared(fit), _departure(fit), _loss_choice(fit), _ranges(fit), _seeds(fit)]
    found.insert(1, _training(fit))
    if np.isnan(fit.r_squared):
        found = [ALL_EQUAL]
    elif fit.relative_noise < EXACT:
        found = [f"the points lie exactly on the law (noise {fit.relative_noise:.1g}): intervals are empty"]
    elif no_shared_noise_found and fit.freedom.min() < 10:
        found.append("no error shared by the runs of one data subset is seen, and few subsets could show one")
    return tuple(text for text in found if text)


def _exponents(fit: LawFit) -> str:
    score, level = fit.law.residual == "absolute", f"{100 * fit.level:g} %"
    thing, turns, moves = ("score", "falls", "rise") if score else ("loss", "rises", "fall")
    known = [name for name in fit.law.exponents if fit.intervals[name][0] <= 0]
    wrong = {name: along for name, along in _turned(fit).items() if name in known}
    flat = [name for name in known if name not in wrong]
    found = []
    if wrong:
        hint = "" if score or len(fit.law.inputs) > 1 else ". If this is a score that should rise, fit 'increasing'"
        found.append(f"the {thing} {turns} with {' and '.join(dict.fromkeys(wrong.values()))}, against the law{hint}")
    if flat:
        found.append(
            f"the {level} interval of {' and '.join(flat)} reaches zero: the {thing} may not {moves} along it at all"
        )
    return "; ".join(found)


def _turned(fit: LawFit) -> dict[str, str]:
    """The exponents along whose input ln L significantly moves the wrong way on average {exponent: input}.

    By a plane through the logarithms: exponents that are bounded at zero cannot tell themselves.
    """
    names = fit.law.inputs[:2]
    columns = np.column_stack([np.ones(len(fit.cells)), fit.cells.logs[:, : len(names)]])
    plane, squares, rank, _ = np.linalg.lstsq(columns, fit.cells.log_loss, rcond=None)
    freedom = len(columns) - columns.shape[1]
    if rank < columns.shape[1] or freedom < 1 or not len(squares):
        return {}
    errors = np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)) * float(squares[0]) / freedom)
    wrong = plane if fit.law.residual == "relative" else -plane
    turned = wrong > special.stdtrit(freedom, 0.5 + fit.level / 2) * errors
    exponents = fit.law.exponents if len(names) == 1 else fit.law.exponents[: len(names)]
    return {
        name: names[min(place, len(names) - 1)]
        for place, name in enumerate(exponents)
        if turned[1 + min(place, len(names) - 1)]
    }


def _training(fit: LawFit) -> str:
    """Whether most cells are limited by how they were trained, which no surface over model and data shows."""
    limits = [regime.label for regime in fit.regimes if regime.label in TRAINING_LIMITS]
    if len(limits) < MOST * len(fit.regimes) or not limits:
        return ""
    kinds = " or ".join(label for label in TRAINING_LIMITS if label in limits)
    amount = "all" if len(limits) == len(fit.regimes) else f"{len(limits)} of {len(fit.regimes)}"
    return (
        f"{amount} cells are {kinds}: the exponents describe the length of the training as much as model and data, "
        "and change with it. Train longer, or on more data, before reading them"
    )


def _status(fit: LawFit) -> str:
    if fit.status == "converged":
        return ""
    if fit.status.startswith("at a bound"):
        return f"the best fit is {fit.status}; its other intervals take that as given, and a simpler law may do"
    return "the search for the best fit did not come to rest: read nothing from these numbers"


def _shared(fit: LawFit) -> str:
    shared = fit.shared_noise
    if shared is None or shared.shared < MUCH_SHARED * shared.own:
        return ""
    times = shared.shared / shared.own
    return (
        f"the error shared by runs of equal {shared.by} is {100 * shared.shared:.2g} %, {times:.2g} "
        "times a cell's own: more likely the law is wrong along it than all subsets unlucky. Compare with other laws"
    )


def _departure(fit: LawFit) -> str:
    """A score test: what the law leaves over, against curvature it does not have."""
    value, slope = fit.law.evaluate(fit.theta[None], fit.design.x[None])
    x = fit.design.x
    extra = _curvature(x)
    residual, jacobian = fit.cells.log_loss - value[0], slope[0]
    if fit.design.whitener is not None:
        residual, jacobian, extra = (fit.design.whitener @ part for part in (residual, jacobian, extra))
    basis, sizes, _ = np.linalg.svd(
        jacobian / np.maximum(np.sqrt((jacobian**2).sum(axis=0)), 1e-300), full_matrices=False
    )
    basis = basis[:, sizes > 1e-9 * sizes[0]]
    beyond = extra / np.sqrt((extra**2).sum(axis=0))
    beyond = beyond - basis @ (basis.T @ beyond)
    directions, strength, _ = np.linalg.svd(beyond, full_matrices=False)
    directions = directions[:, strength > 1e-6]
    freedom = len(residual) - basis.shape[1] - directions.shape[1]
    if freedom < 2 or not directions.shape[1]:
        return ""
    parts = directions.T @ residual
    rest = float(((residual - basis @ (basis.T @ residual)) ** 2).sum() - (parts**2).sum())
    ratio = float((parts**2).mean()) / max(rest / freedom, EXACT**2)
    if special.fdtrc(directions.shape[1], freedom, ratio) > CURVED:
        return ""
    return (
        "what the law leaves over is curved and no mere noise: its form does not describe these runs everywhere, so "
        "its exponents depend on which runs were made. Compare with other laws, and look at the residuals"
    )


def _curvature(x: np.ndarray) -> np.ndarray:
    """The powers and products that a law may have missed [n_points, n]; third ones where there are points enough."""
    if x.shape[1] == 1:
        return np.column_stack([x**2, x**3])
    n, d = x[:, 0], x[:, 1]
    third = [n**3, n**2 * d, n * d**2, d**3] if len(x) >= CUBIC_POINTS else []
    return np.column_stack([n**2, d**2, n * d, *third])


def _loss_choice(fit: LawFit) -> str:
    moved = [
        f"{name} {fit.parameters[name]:.3g} -> {fit.huber[name]:.3g}"
        for name in fit.law.exponents
        if not fit.intervals[name][0] <= fit.huber[name] <= fit.intervals[name][1]
    ]
    if not moved:
        return ""
    shown = ", ".join(moved)
    return f"Huber's loss in place of squares moves an exponent out of its interval ({shown}): look for outliers"


def _ranges(fit: LawFit) -> str:
    short = []
    for name, values in zip(fit.cells.inputs, fit.cells.values.T, strict=True):
        decades = float(np.log10(values.max() / values.min()))
        if decades < SHORT_DECADES and name != "epochs":
            short.append(f"{name} ({decades:.2g} decades)")
    if not short:
        return ""
    return f"short range of {' and '.join(short)}: less than one decade of sizes says little about an exponent"


def _seeds(fit: LawFit) -> str:
    if (fit.cells.n_seeds > 1).any():
        return ""
    return "one seed per cell: the noise is known only from the scatter about the law"
