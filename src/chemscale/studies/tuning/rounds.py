"""The rounds of a tune: train everybody alive to the next place, decide, go on with the survivors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chemscale.studies.tuning.candidates import curve_at, whole_curve
from chemscale.studies.tuning.decisions_log import DecisionsLog, TuneDecision, plain_score
from chemscale.studies.tuning.training import Tuning, train_to
from chemscale.tpe import Decision, Policy, decide_now
from chemscale.tpe.policies.decision import share_text

FAILED = "failed: "


@dataclass(frozen=True)
class Standing:
    """Where a tune stands after its rounds.

    Attributes:
        alive: runs that go on to the end.
        decisions: all decisions, in time order.
        failed: runs left out because they failed -> their error.
    """

    alive: tuple[str, ...]
    decisions: tuple[TuneDecision, ...]
    failed: Mapping[str, str]

    @property
    def stopped(self) -> dict[str, TuneDecision]:
        """Runs that were stopped -> the decision."""
        return {one.run: one for one in self.decisions if one.action == "stop"}


def hold_rounds(tuning: Tuning, log: DecisionsLog) -> Standing:
    """Hold all rounds; those held before are decided again from the run folders, and nobody is trained for them.

    Raises:
        DataError: decisions come out differently than they did before.
        UserError: see `train_to`.
    """
    standing = Standing(tuple(tuning.runs), (), {})
    places = tuning.settings.places(tuning.total_epochs)
    for number, place in enumerate(places, 1):
        assert tuning.policy is not None  # without a policy there are no places
        if len(standing.alive) <= int(getattr(tuning.policy, "keep", 1)):
            break  # nobody can be stopped any more
        title = f"round {number} of {len(places)}, to {share_text(place)}" if len(places) > 1 else share_text(place)
        failed = _train_round(tuning, standing.alive, log, number, place, title)
        decided = _decide(tuning, tuning.policy, standing, failed, number, place)
        log.record(decided)
        going_on = {one.run for one in decided if one.action == "continue"}
        standing = Standing(
            alive=tuple(run for run in standing.alive if run in going_on),
            decisions=(*standing.decisions, *decided),
            failed={**standing.failed, **failed},
        )
    log.check_complete(standing.decisions)
    return standing


def _train_round(
    tuning: Tuning, alive: Sequence[str], log: DecisionsLog, number: int, place: float, title: str
) -> dict[str, str]:
    """Train to the place; runs left out in this round before, because they failed, are not tried again."""
    left_out = {run: text for run in alive if (text := _failed_before(tuning, log, run, number)) is not None}
    until = {run: tuning.sizes[run].step_at(place) for run in alive if run not in left_out}
    return {**left_out, **train_to(tuning, until, title)}


def _failed_before(tuning: Tuning, log: DecisionsLog, run: str, number: int) -> str | None:
    before = log.find(run, number)
    if before is None or not before.reason.startswith(FAILED):
        return None
    return before.reason.removeprefix(FAILED)


def _decide(
    tuning: Tuning, policy: Policy, standing: Standing, failed: Mapping[str, str], number: int, place: float
) -> list[TuneDecision]:
    scored = [run for run in standing.alive if run not in failed]
    curves = [
        curve_at(whole_curve(tuning.run_folder(run)), tuning.sizes[run], place, tuning.total_epochs) for run in scored
    ]
    decisions = decide_now(
        policy,
        curves,
        at=place,
        total_epochs=tuning.total_epochs,
        reading=tuning.reading,
        n_started=len(tuning.runs),
    )
    made = {decision.run: decision for decision in decisions}
    passed = [plain_score(one.score) for one in decisions if one.action == "continue"]
    threshold = max((score for score in passed if score is not None), default=None)
    return [
        _record(tuning, run, made.get(run), failed.get(run, ""), number, place, threshold) for run in standing.alive
    ]


def _record(
    tuning: Tuning,
    run: str,
    decision: Decision | None,
    error: str,
    number: int,
    place: float,
    threshold: float | None,
) -> TuneDecision:
    return TuneDecision(
        run=run,
        round=number,
        action="stop" if decision is None else decision.action,
        place=place,
        epoch=place * tuning.total_epochs,
        step=tuning.sizes[run].step_at(place),
        score=None if decision is None else plain_score(decision.score),
        threshold=threshold,
        reason=FAILED + error if decision is None else decision.reason,
    )
