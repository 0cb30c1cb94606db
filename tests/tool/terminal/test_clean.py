"""A terminal gets no character that steers it, whatever is printed."""

import io
import json
import sys

import click
from hypothesis import given
from hypothesis import strategies as st

from pie.observe.log.terminal import clean
from pie.tool.terminal.clean import CleanGroup, json_text
from pie.tool.terminal.table import BAD, BOLD, DIM, WARN

OWN = [click.style("x", fg=s.fg, bold=s.bold or None, dim=s.dim or None) for s in (BAD, WARN)]
OWN += [click.style("x", bold=True), click.style("x", dim=True), click.style("x", "red", bold=True)]


def test_pies_own_colours_stay() -> None:
    assert BOLD.bold and DIM.dim
    for text in OWN:
        assert clean(text) == text


@given(st.text())
def test_nothing_else_does(text: str) -> None:
    left = clean(f"\n{text}")
    for own in ("\x1b[0m", "\x1b[1m", "\x1b[2m"):
        left = left.replace(own, "")
    assert all(each.isprintable() or each in "\n\t" or ord(each) >= 0xA0 for each in left)


@given(st.text())
def test_json_stays_itself(text: str) -> None:
    written = json_text({"text": text}, indent=2)
    assert json.loads(written) == {"text": text}
    assert clean(written) == written


def test_all_output_of_a_command_is_cleaned(monkeypatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    @click.group(cls=CleanGroup)
    def group() -> None:
        """A group."""

    @group.command()
    def command() -> None:
        click.echo("a\x1b]0;t\x07b")
        print("c\x9bd")
        raise click.ClickException("e\x1bPf")

    try:
        group(["command"])
    except SystemExit as end:
        assert end.code == 1
    assert out.getvalue() == "a ]0;t b\nc d\n"
    assert err.getvalue() == "Error: e Pf\n"
    assert sys.stdout is out
