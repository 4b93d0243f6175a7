"""The map of a set of molecules: a page that shows the molecule under the cursor, figures, and tables (no torch).

contents.py  what a map is made of: `MapReport`
folder.py    `write_map`: the page, the figures as SVG and PNG, the tables as CSV
page.py      the HTML page; data.py has what its script draws, numbers_table.py its table of numbers
terminal.py  the same numbers in the terminal
figures.py   every colouring as a figure of two panels
theme.py     colours of classes and numbers

The page draws its points on canvases of its own and not by Vega: with 5,000 molecules in two pictures, Vega took half a
second more to set up and 170 ms for every molecule under the cursor, because it draws all points anew, against 5 ms
here; and its library alone weighs as much as the map of 3,000 molecules.
"""
