"""What to know about a set of fits, each thing said once with the groups it applies to."""

from collections.abc import Sequence

from chemscale.report.axes import ALL_RUNS, group_labels, short
from chemscale.scaling.groups import GroupFit


def group_names(fits: Sequence[GroupFit]) -> list[str]:
    """The short name of each fit's group, such as 10k."""
    labels = group_labels(fit.value for fit in fits if fit.group is not None)
    return [ALL_RUNS if fit.group is None else labels[fit.value] for fit in fits]


def remarks(fits: Sequence[GroupFit]) -> dict[str, list[str]]:
    """Sentence -> names of the groups it applies to: missing laws, points left out, warnings, unused runs."""
    found: dict[str, list[str]] = {}
    for fit, name in zip(fits, group_names(fits), strict=True):
        lines = [f"no law: {fit.problem}"] if fit.law is None else []
        if fit.law is not None:
            lines += [f"left out R = {short(out.point.resource)}, {out.reason}." for out in fit.law.left_out]
            lines += [f"{text}." for text in fit.law.warnings]
        lines += [f"not used: {run}." for run in fit.not_used]
        for line in lines:
            found.setdefault(line[0].upper() + line[1:], []).append(name)
    return found
