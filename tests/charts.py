"""What tests of figures ask of tables and axes."""

import pandas as pd


def square(names, *pairs):
    """A table of bool, True for these pairs."""
    table = pd.DataFrame(False, list(names), list(names))
    for a, b in pairs:
        table.loc[a, b] = table.loc[b, a] = True
    return table


def shown(ax):
    """(row, column) -> what is written there, by the names on the axes."""
    rows, columns = ([label.get_text() for label in axis.get_ticklabels()] for axis in (ax.yaxis, ax.xaxis))
    places = [(text.get_position(), text.get_text()) for text in ax.texts]
    return {(rows[round(y)], columns[round(x)]): said for (x, y), said in places}
