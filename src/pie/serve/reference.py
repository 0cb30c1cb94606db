"""``module:name`` and ``module:factory('argument')``, by which a service names its own code.

The same forms that gunicorn and ``flask run`` take. Arguments are literals; nothing is evaluated.
"""

import ast
import difflib
import importlib
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple


class BadReference(Exception):
    """The text is no reference, or names what is not there; the message says what to write."""


class Arguments(NamedTuple):
    """The arguments of a factory."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Reference(NamedTuple):
    """``name`` of ``module``, a factory to be called when ``arguments`` are given."""

    text: str
    module: str
    name: str
    arguments: Arguments | None


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Raises:
        BadReference: it has another form, or an argument is no literal.
    """
    module, colon, expression = text.strip().partition(":")
    try:
        body = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        body = None
    arguments = None
    if isinstance(body, ast.Call):
        arguments, body = _arguments(text, body), body.func
    if not colon or not all(part.isidentifier() for part in module.split(".")):
        body = None
    if not isinstance(body, ast.Name):
        raise BadReference(f"{text!r}: write module:name or module:factory('argument')")
    return Reference(text, module, body.id, arguments)


def import_module(reference: Reference) -> ModuleType:
    """The module of a reference.

    Raises:
        BadReference: there is no such module. What the module itself raises passes through.
    """
    try:
        return importlib.import_module(reference.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{reference.module}.".startswith(f"{error.name}."):
            raise
        raise BadReference(
            f"{reference.text}: there is no module {error.name!r} in {sys.path[0]} or installed"
        ) from None


def value_in(module: ModuleType, reference: Reference) -> Any:
    """The value of a reference in its imported module; with arguments, the result of the factory.

    Raises:
        BadReference: the name is not there, or cannot be called like that.
    """
    try:
        found = getattr(module, reference.name)
    except AttributeError:
        near = difflib.get_close_matches(reference.name, vars(module), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise BadReference(
            f"{reference.text}: {module.__file__} has no {reference.name!r}{hint}"
        ) from None
    return found if reference.arguments is None else _made_by(found, reference)


def application_in(
    module: ModuleType, reference: Reference, kind: str, is_one: Callable[[Any], bool]
) -> Any:
    """An application, or what a factory named without arguments makes.

    Args:
        kind: of application, for the message.
        is_one: whether a value is such an application.

    Raises:
        BadReference: it is neither, or the factory needs arguments.
    """
    found = value_in(module, reference)
    made = reference.arguments is not None
    if not is_one(found) and not made and inspect.isroutine(found):
        found, made = _made_by(found, reference), True
    if is_one(found):
        return found
    others = [
        name for name, value in vars(module).items() if is_one(value) and not inspect.isclass(value)
    ]
    if made:
        advice = f"let {reference.name} return the application"
    elif others:
        advice = f"did you mean {reference.module}:{others[0]}?"
    else:
        advice = "name the application, or a function that makes and returns it"
    raise BadReference(f"{reference.text} is no {kind} application but {_name_of(found)}; {advice}")


def _name_of(value: Any) -> str:
    """What a value is, in a word or two."""
    if value is None:
        return "None"
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    if inspect.ismodule(value):
        return f"the module {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _made_by(factory: Any, reference: Reference) -> Any:
    """Call a factory. What it raises itself passes through."""
    args, kwargs = reference.arguments or Arguments((), {})
    try:
        inspect.signature(factory).bind(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise BadReference(
            f"{reference.text}: {reference.name} cannot be called like that: {error}; "
            f"{_call_advice(factory, reference)}"
        ) from None
    return factory(*args, **kwargs)


def _call_advice(factory: Any, reference: Reference) -> str:
    try:
        takes = str(inspect.signature(factory))
    except (TypeError, ValueError):
        return f"{reference.name} is no function"
    if reference.arguments:
        return f"write the arguments that it takes: {reference.name}{takes}"
    return f"write the arguments: {reference.module}:{reference.name}('argument'), for {takes}"


def _arguments(text: str, node: ast.Call) -> Arguments:
    try:
        args = tuple(ast.literal_eval(each) for each in node.args)
        kwargs = {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise BadReference(f"{text!r}: arguments must be literals, such as 'prod' or 3") from None
    if any(each.arg is None for each in node.keywords):
        raise BadReference(f"{text!r}: arguments must be written out, without **")
    return Arguments(args, kwargs)
