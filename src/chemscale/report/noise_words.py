"""The noise of a fit in words."""

from chemscale.scaling.law_fit import LawFit


def noise_words(fit: LawFit) -> str:
    """The noise, in percent of the loss or, for scores, as it is; and its parts where runs share errors.

    For example "noise 0.8 % (own 0.77 %, shared by runs of equal data 0.24 %)".
    """
    text = f"noise {_amount(fit, fit.noise)}"
    if not fit.shared_noise:
        return text
    own, shared = _amount(fit, fit.shared_noise.own), _amount(fit, fit.shared_noise.shared)
    return f"{text} (own {own}, shared by runs of equal {fit.shared_noise.by} {shared})"


def _amount(fit: LawFit, value: float) -> str:
    return f"{value:.2g}" if fit.law.residual == "absolute" else f"{100 * value:.2g} %"
