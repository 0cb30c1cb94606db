"""A group of commands of which only the one that is run is imported."""

import difflib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from pie.tool.terminal.clean import CleanGroup


class LazyGroup(CleanGroup):
    """A click group whose commands are named, each with its one line of help.

    Args:
        lazy: command name → (``module:attribute``, short help).
        sections: heading → commands under it, in the help; the others stand under "Commands".
    """

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, tuple[str, str]],
        sections: Mapping[str, Sequence[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy
        self._sections = sections or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = self._lazy.get(cmd_name)
        if known is None:
            return None
        module, _, attribute = known[0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._lazy and not args[0].startswith("-"):
            nearest = difflib.get_close_matches(args[0], self._lazy, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else "`pie -h` lists the commands"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Without importing any of them: ``pie -h`` answers at once."""
        listed = {name for names in self._sections.values() for name in names}
        rest = [name for name in self._lazy if name not in listed]
        room = max(map(len, self._lazy))
        for heading, names in {**self._sections, "Commands": rest}.items():
            # Padded by hand, so that the sections line up with each other.
            rows = [(name.ljust(room), self._lazy[name][1]) for name in names if name in self._lazy]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; Ctrl-C and a reader that went away (``| head``) end it without a word."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except BrokenPipeError:
            # What is still in the buffer would fail again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise click.exceptions.Exit(0) from None
        return result
