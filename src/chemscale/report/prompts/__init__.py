"""Figure and tables of a sweep over prompts and strategies [no torch].

summary.py   means over molecules with their standard errors
figure.py    the panels: what passes the filters, and how the weight changes
folder.py    everything of a sweep in one folder
"""
