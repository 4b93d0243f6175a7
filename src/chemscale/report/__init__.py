"""Study tables -> figures, one self-contained page, and CSV (no torch; altair is imported by the figures only).

contents.py         what a report is made of: `StudyReport`
folder.py           `write_report`: the page, the figures as SVG and PNG, the tables as CSV
page.py, tables.py  the HTML page and its tables; assets/ has its style and script
loss_charts.py      loss against one resource, with law and band
learning_curves.py  loss against tokens, step or epoch, one panel per data size
exponents.py        the exponents of all fits, with their intervals
axes.py, theme.py   axis titles and ticks; colours and fonts
families/           the page of a study of several families
tuning/             the page of a tune
terminal.py         the fits as a table in the terminal
"""
