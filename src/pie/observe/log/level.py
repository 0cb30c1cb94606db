"""The level of a line: one of five names, chosen by the number of the record's level.

``logging.addLevelName`` may call a number anything, with colours in it too; a search for errors
must find them all the same. Pure.
"""

from collections.abc import Callable


class _Names(dict[int, str]):
    def __missing__(self, number: int) -> str:
        return self[min(self, key=lambda each: abs(each - number))]


level_name: Callable[[int], str] = _Names(
    {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
).__getitem__
"""The standard name nearest to a level's number; between two, the lower one."""
