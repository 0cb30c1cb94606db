"""Views are functions, classes, partials and objects; none of them may break its application."""

import functools
from typing import Any

import pytest
from flask import Flask
from flask.views import View

from pie.web.flask import describe, instrument
from pie.web.names import view_name


def function(number: int = 1) -> str:
    return "function"


class Callable:
    def __call__(self) -> str:
        return "callable"

    def method(self) -> str:
        return "method"


class Silent:
    """It tells nothing of itself."""

    def __call__(self) -> str:
        return "silent"

    def __getattr__(self, name: str) -> Any:
        if name in ("view_class", "cls"):
            raise RuntimeError(name)
        raise AttributeError(name)


class ClassView(View):
    def dispatch_request(self) -> str:
        return "class"


def oddly_named() -> str:
    return "odd"


oddly_named.__module__ = "m" * 300

HERE = __name__
VIEWS: dict[str, tuple[Any, str]] = {
    "function": (function, f"{HERE}.function"),
    "partial": (functools.partial(functools.partial(function, 2)), f"{HERE}.function"),
    "callable": (Callable(), f"{HERE}.Callable"),
    "method": (Callable().method, f"{HERE}.Callable.method"),
    "silent": (Silent(), "silent"),
    "class": (ClassView.as_view("class"), f"{HERE}.ClassView"),
    "odd": (oddly_named, "m" * 200),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_a_name(name: str) -> None:
    view, expected = VIEWS[name]
    assert view_name(view, name) == expected
    assert view_name(None, "gone") == "gone"


def test_an_application_of_all_kinds_of_views(bench: Any) -> None:
    app = Flask(__name__)
    for name, (view, _) in VIEWS.items():
        app.view_functions[name] = view
        app.add_url_rule(f"/{name}", name)
    instrument(app, bench.runtime)
    assert {each.method for each in describe(app, "a.b.c", ()).interfaces} == {
        expected for _, expected in VIEWS.values()
    }
    for name in VIEWS:
        answer = app.test_client().get(f"/{name}", buffered=True)
        assert (answer.status_code, answer.text) == (200, name if name != "partial" else "function")
    assert {row["method"] for row in bench.facts()} == {each for _, each in VIEWS.values()}
