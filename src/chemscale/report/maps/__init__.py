"""The map of a set of molecules: a page that shows the molecule under the cursor, figures, and tables (no torch).

contents.py  what a map is made of: `MapReport`
folder.py    `write_map`: the page, the figures as SVG and PNG, the tables as CSV
page.py      the HTML page; data.py has what its script draws, numbers_table.py its table of numbers
terminal.py  the same numbers in the terminal
figures.py   every colouring as a figure of two panels
theme.py     colours of classes and numbers

The page draws its points on canvases of its own and not by Vega: 8,000 molecules in two pictures take Vega seconds to
set up and a redraw of everything for every molecule under the cursor, and its library alone weighs more than a map.
"""
