"""The report of a study of several families of models: what each gains from data, capacity and time, and what differs.

contents.py          what the page is made of, `FamiliesReport`, and the numbers it compares: `compare_families`
published.py         exponents of the literature, to stand beside ours
folder.py            `write_families_report`: the page, one page per family, figures and tables
page.py, sections.py the HTML page and its parts; tables.py has its tables, terminal.py those of the terminal
figures.py           every figure once: charts of laws, capacity, time and learning curves
exponent_chart.py    exponents of all families with their intervals, published ones beside them
time_chart.py        loss against training time
theme.py             colours of families
"""
