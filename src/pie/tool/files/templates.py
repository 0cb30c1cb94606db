"""The templates of generated files."""

import json
from functools import cache
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).resolve().parent.parent / "templates"


def render(name: str, **values: object) -> str:
    """The text of the template ``templates/<name>.j2``; a missing value is an error."""
    return _environment().get_template(f"{name}.j2").render(values)


def sample(name: str) -> str:
    """A file of the templates folder, unrendered."""
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".xml.j2"),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["yaml"] = _yaml
    return environment


def _yaml(text: str) -> str:
    """A text as YAML: plain, unless it would be read as something else (``on``, ``1e5``)."""
    return text if yaml.safe_load(text) == text else json.dumps(text)
