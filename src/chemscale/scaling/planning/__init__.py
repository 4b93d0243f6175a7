"""How a budget is best spent by a fitted law of model and data.

cost.py, cost_fit.py         what a run costs: C = 6 N D, or measured
surface.py, optimum.py       the law along lines of equal cost, and the best split on one
delta_method.py              intervals of what follows from a fit
frontier.py, split.py        the best splits of many budgets, and the room around one
advice.py, labels.py         the next unit of either, the cheapest run for a loss, a budget of labels
next_run.py, candidates.py   the run that would narrow the answer most for its cost
"""
