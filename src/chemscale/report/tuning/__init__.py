"""A tuning as a page: who was stopped when and why, what was predicted, and what it saved (no torch).

contents.py      what the report of a tuning is made of: `TuningReport`, `Saving`
replay.py        a tuning played on finished curves, as a report
folder.py        `write_tuning_report`: the page, the figures, the tables
runs.py          one row per run: what became of it, its score, prediction and final loss
labels.py        settings and numbers in few characters
theme.py         colours of what became of the runs
decision_curves.py   learning curves coloured by decision
stop_timeline.py     one bar per run until where it was trained
score_map.py         the score over the two axes of the grid
prediction_chart.py  predicted against true final losses, and all predictions with their intervals
policy_points.py     policies at several shares of the budget, on finished curves
saving_chart.py      what those policies save, and what they lose
figures.py       all panels, for the page and for files
tables.py        the tables, for the page and as CSV
page.py          the page
"""
