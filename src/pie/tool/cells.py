"""Cells that several tables have."""

from pie.tool.table import BAD, DIM, WARN, Cell
from pie.tool.terminal import percent


def error_cell(share: float, called: bool) -> Cell:
    """An error rate that shows how bad it is; nothing where nobody called."""
    if not called:
        return Cell("-", DIM)
    return Cell(percent(share), BAD if share >= 0.01 else WARN if share else DIM)
