"""A payslip with its items one below the other (label, value; or two such pairs a row) as a table of one row.

Only a format of table ``payroll`` may claim what comes of it: nobody else prints one person's figures that way.
"""

from __future__ import annotations

from recon.reading.grid import Grid

_ROWS = 80  # a payslip has no more
_PAIRS = 4  # fewer labels with a value are no payslip
_WIDTH = 4  # label, value, label, value


def upright(grid: Grid) -> Grid | None:
    """``grid`` turned: lines above, the labels as header, the values below; None where it is no list of labels.

    Of text cut by eye nothing proves which value is whose; of a label that stands twice nobody knows which is meant.
    """
    if grid.by_eye or grid.seen or not _PAIRS <= len(grid.rows) <= _ROWS:
        return None
    above: list[int] = []
    found: list[tuple[int, int]] = []  # row and column of each label
    for at, row in enumerate(grid.rows):
        if len(row) > _WIDTH and any(row[_WIDTH:]):
            return None
        labels = [column for column in range(0, min(len(row), _WIDTH), 2) if row[column]]
        if not found and len([cell for cell in row if cell]) == 1:
            above.append(at)
        else:
            found += [(at, column) for column in labels]
    names = ["".join(grid.rows[at][column].split()) for at, column in found]
    values = [grid.rows[at][column + 1] if len(grid.rows[at]) > column + 1 else "" for at, column in found]
    if len(set(names)) < len(names) or sum(map(bool, values)) < _PAIRS or any(_is_figure(name) for name in names):
        return None
    line = next((at for (at, _), name in zip(found, names, strict=True) if "医" in name), found[0][0])
    marks = {(len(above) + 1, index): grid.marks[at, column + 1]
             for index, (at, column) in enumerate(found) if (at, column + 1) in grid.marks}
    return Grid(
        name=grid.name, rows=[*(grid.rows[at] for at in above), names, values],
        places=[grid.places[at] for at in (*above, line, line)], marks=marks, hidden=grid.hidden, kind=grid.kind)


def _is_figure(text: str) -> bool:
    return text.replace(",", "").replace(".", "").lstrip("-+¥￥").isdigit()
