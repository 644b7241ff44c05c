"""The live page: one HTML file with a graph that a student plays, changes and trains.

`page` makes it, from a graph and the files in `web/`. `rows` prints the rows of the table as
JavaScript, so that the page computes with the same formulas as this package. `words` makes
templates of what is said about each event.
"""
