"""The map of a set of molecules: a page that shows the molecule under the cursor, figures, and tables (no torch).

contents.py  what a map is made of: `MapReport`
folder.py    `write_map`: the page, the figures as SVG and PNG, the tables as CSV
page.py      the HTML page; data.py has what its script draws, numbers_table.py its table of numbers
terminal.py  the same numbers in the terminal
figures.py   every colouring as a figure of two panels
theme.py     colours of classes and numbers

The page draws its points on canvases of its own and not by Vega. With 5,000 molecules in two pictures, on one busy core
without a graphics card: 840 ms to set up against 110 ms, and 170 ms against 5 ms for every molecule under the cursor,
because Vega draws all points anew. Its library alone weighs as much as a map of 2,000 molecules.
"""
