"""IDL tokens to the tree of one file, by recursive descent."""

import re
import sys
from pathlib import PurePosixPath

from pie.thrift.errors import IdlError, Position, shown
from pie.thrift.idl.ast import (
    BASE_TYPES,
    Annotations,
    BaseRef,
    Const,
    Definition,
    Document,
    EnumDef,
    EnumMember,
    FieldDef,
    FunctionDef,
    Include,
    ListRef,
    ListValue,
    MapRef,
    MapValue,
    NamedRef,
    Namespace,
    NameValue,
    ScalarValue,
    ServiceDef,
    SetRef,
    StructDef,
    StructKind,
    Typedef,
    TypeRef,
    Value,
)
from pie.thrift.idl.lexer import HEADERS, Token, tokenize
from pie.thrift.types import Requiredness

MAX_NESTING = 32
"""Types or values within each other."""

MAX_INT_DIGITS = 20
STREAMING_HINT = "return a list, or let the caller ask for one page after the other"
_DEFINITIONS = "typedef, const, enum, struct, union, exception or service"
_NOT_TAKEN = {
    "interaction": "it is of another dialect of Thrift: use a service",
    "package": "it is of another dialect of Thrift: write namespace * name",
    "senum": "senum is no longer part of Thrift: use enum, or string",
    "slist": "slist is no longer part of Thrift: use string",
    "cpp_namespace": "write: namespace cpp name",
    "delphi_namespace": "write: namespace delphi name",
    "java_package": "write: namespace java name",
    "perl_package": "write: namespace perl name",
    "php_namespace": "write: namespace php name",
    "py_module": "write: namespace py name",
    "ruby_namespace": "write: namespace rb name",
    "smalltalk_category": "write: namespace st.category name",
    "smalltalk_prefix": "write: namespace st.prefix name",
    "xsd_namespace": "leave it out: Pie makes no XML schemas",
}
"""Words of early Thrift and of its dialects, and what to write instead."""

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-7][0-9a-fA-F]|.)", re.DOTALL)
_ESCAPES = dict(zip(r"""ntrabfv\"'""", "\n\t\r\a\b\f\v\\\"'", strict=True))


def parse_idl(text: str, path: str = "<idl>") -> Document:
    """The tree of one IDL file; its meaning is not checked yet.

    Raises:
        IdlError: the text is not IDL; names the position and what was expected there.
    """
    return _Parser(tokenize(text, path)).document(path, text)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    # Tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._token
        if token.kind != "end":
            self._at += 1
        return token

    def _is(self, text: str) -> bool:
        return self._token.text == text and self._token.kind in ("symbol", "name")

    def _accept(self, text: str) -> bool:
        if not self._is(text):
            return False
        self._at += 1
        return True

    def _expect(self, text: str, hint: str = "") -> Token:
        if not self._is(text):
            raise self._unexpected(f"'{text}'", hint)
        return self._take()

    def _unexpected(self, expected: str, hint: str = "") -> IdlError:
        token = self._token
        found = "the end of the file" if token.kind == "end" else shown(token.text)
        return IdlError(token.position, f"expected {expected}, found {found}", hint)

    def _separator(self) -> str:
        """An optional ``,`` or ``;``. Returns the comment after what it ends."""
        if not self._accept(","):
            self._accept(";")
        return self._tokens[self._at - 1].trailing

    def _string(self, what: str, *, strict: bool = True) -> str:
        """A string with its escapes. Not ``strict`` keeps them as they are: annotations hold
        patterns, which tools read."""
        if self._token.kind != "string":
            raise self._unexpected(f"{what} in quotes")
        token = self._take()

        def escaped(match: re.Match[str]) -> str:
            known = _unescaped(match.group(1))
            if known is None and strict:
                raise IdlError(
                    token.position,
                    f"unknown escape {match.group()} in a string",
                    r"known are \n \t \r \a \b \f \v \\ \" \' \x41 \u0041 and \U00000041",
                )
            return match.group() if known is None else known

        return _ESCAPE.sub(escaped, token.text)

    def _name(self, what: str) -> Token:
        """A name to be declared."""
        token = self._token
        if token.kind != "name":
            raise self._unexpected(what)
        if "." in token.text:
            raise IdlError(token.position, f"{what} has no dot, found {shown(token.text)}")
        return self._take()

    def _int(self, what: str) -> int:
        token = self._token
        if token.kind != "int":
            raise self._unexpected(what)
        self._at += 1
        if len(token.text) > MAX_INT_DIGITS:
            raise IdlError(token.position, f"the number {shown(token.text)} has too many digits")
        return _number(token.text)

    # A file

    def document(self, path: str, text: str) -> Document:
        doc = self._token.doc if self._token.text in HEADERS else ""
        includes: list[Include] = []
        namespaces: list[Namespace] = []
        definitions: list[Definition] = []
        while self._token.kind != "end":
            if self._is("include"):
                includes.append(self._include())
            elif self._is("namespace"):
                namespaces.append(self._namespace())
            elif self._accept("cpp_include"):
                self._string("the path of a C++ header")
                self._separator()
            else:
                definitions.append(self._definition())
        return Document(path, text, doc, tuple(includes), tuple(namespaces), tuple(definitions))

    def _include(self) -> Include:
        self._take()
        position = self._token.position
        path = self._string("the path of an IDL file")
        prefix = PurePosixPath(path).stem
        if not prefix or "\0" in path:
            raise IdlError(
                position,
                f"include {shown(path)} gives no name to refer to it by",
                "name a file, e.g. base.thrift",
            )
        self._separator()
        return Include(path, prefix, position)

    def _namespace(self) -> Namespace:
        position = self._take().position
        language = self._take().text if self._is("*") else self._take_word("a language or *")
        name = self._take_word("the namespace")
        self._annotations()
        self._separator()
        return Namespace(language, name, position)

    def _take_word(self, what: str) -> str:
        if self._token.kind == "string":
            return self._string(what, strict=False)
        if self._token.kind != "name":
            raise self._unexpected(what)
        return self._take().text

    def _definition(self) -> Definition:
        token = self._token
        if token.kind == "name":
            match token.text:
                case "typedef":
                    return self._typedef()
                case "const":
                    return self._const()
                case "enum":
                    return self._enum()
                case "struct" | "union" | "exception" as kind:
                    return self._struct(kind)
                case "service":
                    return self._service()
                case word if word in _NOT_TAKEN:
                    raise IdlError(token.position, f"{word} is not accepted", _NOT_TAKEN[word])
        raise self._unexpected(f"a definition ({_DEFINITIONS})")

    # Definitions

    def _typedef(self) -> Typedef:
        doc = self._take().doc
        kind = self._type()
        name = self._name("the name of the typedef")
        annotations = self._annotations()
        trailing = self._separator()
        return Typedef(name.text, kind, doc or trailing, annotations, name.position)

    def _const(self) -> Const:
        doc = self._take().doc
        kind = self._type()
        name = self._name("the name of the constant")
        self._expect("=")
        value = self._value()
        annotations = self._annotations()
        trailing = self._separator()
        return Const(name.text, kind, value, doc or trailing, annotations, name.position)

    def _enum(self) -> EnumDef:
        doc = self._take().doc
        name = self._name("the name of the enum")
        self._expect("{")
        members: list[EnumMember] = []
        following = 0
        while not self._accept("}"):
            member = self._name("the name of an enum member or '}'")
            value = self._int("the member's number") if self._accept("=") else following
            following = value + 1
            annotations = self._annotations()
            trailing = self._separator()
            members.append(
                EnumMember(member.text, value, member.doc or trailing, annotations, member.position)
            )
        annotations = self._annotations()
        self._separator()
        return EnumDef(name.text, tuple(members), doc, annotations, name.position)

    def _struct(self, kind: StructKind) -> StructDef:
        doc = self._take().doc
        name = self._name(f"the name of the {kind}")
        self._accept("xsd_all")
        self._expect("{")
        fields = self._fields("}")
        annotations = self._annotations()
        self._separator()
        return StructDef(kind, name.text, fields, doc, annotations, name.position)

    def _fields(self, closing: str, depth: int = 0) -> tuple[FieldDef, ...]:
        """Fields up to a closing bracket. Those without an id count down from -1."""
        fields: list[FieldDef] = []
        implicit = -1
        while not self._accept(closing):
            field = self._field(closing, implicit, depth)
            if field.implicit_id:
                implicit -= 1
            fields.append(field)
        return tuple(fields)

    def _field(self, closing: str, implicit: int, depth: int) -> FieldDef:
        doc = self._token.doc
        has_id = self._token.kind == "int"
        number = self._int("a field's id") if has_id else implicit
        if has_id:
            self._expect(":")
        elif self._token.kind != "name":
            raise self._unexpected(f"a field or '{closing}'", "a field is written 1: string name")
        requiredness: Requiredness = "default"
        if self._accept("required"):
            requiredness = "required"
        elif self._accept("optional"):
            requiredness = "optional"
        kind = self._type()
        self._accept("&")  # How C++ shall hold the field.
        name = self._name("the name of the field")
        default = self._value() if self._accept("=") else None
        self._xsd(depth)
        annotations = self._annotations()
        trailing = self._separator()
        return FieldDef(
            number,
            name.text,
            kind,
            requiredness,
            default,
            doc or trailing,
            annotations,
            name.position,
            implicit_id=not has_id,
        )

    def _xsd(self, depth: int) -> None:
        """Attributes of a field for XML schemas, as old IDLs have them. They are skipped."""
        self._check_nesting(depth, self._token.position)
        self._accept("xsd_optional")
        self._accept("xsd_nillable")
        if self._accept("xsd_attrs"):
            self._expect("{")
            self._fields("}", depth + 1)

    def _service(self) -> ServiceDef:
        doc = self._take().doc
        name = self._name("the name of the service")
        extends = self._named("the service to extend") if self._accept("extends") else None
        self._expect("{")
        functions: list[FunctionDef] = []
        while not self._accept("}"):
            functions.append(self._function())
        annotations = self._annotations()
        self._separator()
        return ServiceDef(name.text, extends, tuple(functions), doc, annotations, name.position)

    def _function(self) -> FunctionDef:
        doc = self._token.doc
        oneway = self._accept("oneway") or self._accept("async")
        returns = None if self._accept("void") else self._type()
        name = self._name("the name of the function")
        self._expect("(")
        arguments = self._fields(")")
        throws: tuple[FieldDef, ...] = ()
        if self._accept("throws"):
            self._expect("(")
            throws = self._fields(")")
        annotations = self._annotations()
        trailing = self._separator()
        return FunctionDef(
            name.text,
            oneway,
            returns,
            arguments,
            throws,
            doc or trailing,
            annotations,
            name.position,
        )

    # Types

    def _type(self, depth: int = 0) -> TypeRef:
        position = self._token.position
        self._check_nesting(depth, position)
        if self._token.kind != "name":
            raise self._unexpected("a type")
        if self._accept("list"):
            (element,) = self._parameters(1, depth)
            self._cpp_type()
            return ListRef(element, position, self._annotations())
        if self._accept("set"):
            self._cpp_type()
            (element,) = self._parameters(1, depth)
            return SetRef(element, position, self._annotations())
        if self._accept("map"):
            self._cpp_type()
            key, value = self._parameters(2, depth)
            return MapRef(key, value, position, self._annotations())
        name = self._token.text
        if name in BASE_TYPES:
            self._at += 1
            return BaseRef("i8" if name == "byte" else name, position, self._annotations())
        if name in _NOT_TAKEN:
            raise IdlError(position, f"{name} is not accepted", _NOT_TAKEN[name])
        found = self._named("a type")
        if name in ("stream", "sink") and self._is("<"):
            raise IdlError(position, f"{name}<…> is streaming, which Pie has not", STREAMING_HINT)
        return found

    def _cpp_type(self) -> None:
        """The C++ name of a container, which older IDLs write inside the type. It is skipped."""
        if self._accept("cpp_type"):
            self._string("the name of a C++ type")

    def _parameters(self, count: int, depth: int) -> list[TypeRef]:
        self._expect("<")
        found = [self._type(depth + 1)]
        while len(found) < count:
            self._expect(",")
            found.append(self._type(depth + 1))
        self._expect(">")
        return found

    def _named(self, what: str) -> NamedRef:
        token = self._token
        if token.kind != "name":
            raise self._unexpected(what)
        self._at += 1
        return NamedRef(token.text, token.position, self._annotations())

    # Values

    def _value(self, depth: int = 0) -> Value:
        position = self._token.position
        self._check_nesting(depth, position)
        if self._accept("["):
            items: list[Value] = []
            while not self._accept("]"):
                items.append(self._value(depth + 1))
                self._separator()
            return ListValue(tuple(items), position)
        if self._accept("{"):
            return self._map_value(position, depth)
        if self._token.kind == "name" and self._token.text not in ("true", "false"):
            return NameValue(self._take().text, position)
        return ScalarValue(self._scalar(), position)

    def _scalar(self) -> int | float | str | bool:
        match self._token.kind:
            case "int":
                return self._int("a number")
            case "float":
                return float(self._take().text)
            case "string":
                return self._string("a value")
            case "name":
                return self._take().text == "true"
        raise self._unexpected("a value")

    def _map_value(self, position: Position, depth: int) -> MapValue:
        pairs: list[tuple[Value, Value]] = []
        while not self._accept("}"):
            key = self._value(depth + 1)
            self._expect(":")
            pairs.append((key, self._value(depth + 1)))
            self._separator()
        return MapValue(tuple(pairs), position)

    def _check_nesting(self, depth: int, position: Position) -> None:
        if depth >= MAX_NESTING:
            raise IdlError(position, f"nested deeper than {MAX_NESTING} levels", "flatten it")

    def _annotations(self) -> Annotations:
        """``(key = "value", flag)``; a key without a value is ``"1"``, as Thrift has it."""
        found: dict[str, str] = {}
        if not self._accept("("):
            return found
        while not self._accept(")"):
            key = self._take_word("an annotation's name or ')'")
            found[key] = self._string("its value", strict=False) if self._accept("=") else "1"
            self._separator()
        return found


def _unescaped(name: str) -> str | None:
    """The character of an escape; None if there is none."""
    if len(name) == 1:
        return _ESCAPES.get(name)
    code = int(name[1:], 16)
    is_character = code <= sys.maxunicode and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_character else None


def _number(text: str) -> int:
    digits = text.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8}.get(digits[:2], 10)
    return -int(digits, base) if text.startswith("-") else int(digits, base)
