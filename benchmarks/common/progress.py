"""What a run shows while it goes on, on stderr."""

import sys


def announce(text: str) -> None:
    """Show progress that is worth a line wherever it goes."""
    if sys.stderr.isatty():
        say(text)
    else:
        print(text, file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Show progress in one line that is replaced; on anything but a terminal, nothing."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def clear() -> None:
    """Remove the line of progress."""
    say("")
