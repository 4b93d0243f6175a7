"""Tuning: train every configuration for a first part, stop poor ones early, finish those that could still be best.

config.py        the [tune] table, and what it asks of the runs
search.py        a [grid] of lists and ranges -> the configurations that are tried
sizes.py         steps, labels and operations of every run before it is trained
candidates.py    a run as a policy sees it: its curve at one place of the budget
decisions_log.py decisions.jsonl: every decision with its reason, checked when a tune goes on
training.py      train a set of runs to given steps on the workers
rounds.py        train, decide, go on with the survivors, until nobody can be stopped any more
calibration.py   which stopped runs are finished so that predictions can be made
cooldown.py      forks that let the learning rate fall, for the last ranking
saving.py        steps, seconds and operations that were not spent
records.py       what a tune answers for each run
ranking.py       the order of the runs, and what is tied
outcome.py       what a tune answers
gathering.py     run folders -> the outcome
tune.py          `tune`
"""
