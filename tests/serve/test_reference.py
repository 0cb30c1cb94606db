"""The references by which a service names its application: module:name and module:factory(…)."""

import pytest

from pie.serve.reference import BadReference, application_in, import_module, parse_reference

MODULE = """
class App: pass
app = App()
text = "no application"
def create_app(config=None, *, debug=False):
    made = App()
    made.config, made.debug = config, debug
    return made
def needs_a_config(config):
    return create_app(config)
def forgets():
    create_app()
def raises():
    raise TypeError("a bug of its own")
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    (tmp_path / "module_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(name: str):
        reference = parse_reference(f"module_of_a_test:{name}")
        module = import_module(reference)
        return application_in(module, reference, "Toy", lambda each: isinstance(each, module.App))

    return load


def test_an_application_and_its_factory(load) -> None:
    assert load("app") is load("app")
    assert load("create_app").config is None
    assert load("create_app()").config is None
    made = load("create_app('prod', debug=True)")
    assert (made.config, made.debug) == ("prod", True)
    assert load("create_app({'KEY': [1, None, -2.5]})").config == {"KEY": [1, None, -2.5]}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "module_of_a_test.py has no 'nothing'"),
        ("create_ap", "has no 'create_ap'; did you mean create_app?"),
        ("text", "is no Toy application but a str; did you mean module_of_a_test:app?"),
        ("App", "module_of_a_test:App is no Toy application but the class App"),
        ("forgets", "is no Toy application but None; let forgets return the application"),
        ("create_app(1, 2, 3)", "arguments that it takes: create_app(config=None, *, debug=False)"),
        ("needs_a_config", "cannot be called like that: missing a required argument: 'config'"),
        ("create_app(color='red')", "got an unexpected keyword argument 'color'"),
        ("create_app(open('/etc/passwd'))", "arguments must be literals"),
        ("create_app(*[1])", "arguments must be literals"),
        ("create_app(**{'a': 1})", "arguments must be written out"),
        ("create_app()()", "write module:name or module:factory('argument')"),
        ("create_app.__globals__", "write module:name or module:factory('argument')"),
        ("create_app(", "write module:name or module:factory('argument')"),
        ("", "write module:name or module:factory('argument')"),
    ],
)
def test_what_is_no_application_is_named(load, name: str, words: str) -> None:
    with pytest.raises(BadReference) as caught:
        load(name)
    assert words in str(caught.value)


def test_the_errors_of_a_factory_are_its_own(load) -> None:
    with pytest.raises(TypeError, match="a bug of its own"):
        load("raises")


@pytest.mark.parametrize("text", ["app", ":app", "a-b:app", "a.:app", "a:b:c"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(BadReference, match="write module:name"):
        parse_reference(text)


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(BadReference, match="there is no module 'no_such_module_here'"):
        import_module(parse_reference("no_such_module_here.views:app"))
