"""``conf/app/service-<psm>.yml``: the rules and the configuration that come with a service.

They are in force while nobody has published any for it: the rules of a side and kind until that
rule set is published, the configuration until a first version of it is. What else stands in the
file is for whoever deploys the service.

    rules:
      server:                                # side
        rate:                                # kind
        - scope: {caller: toutiao.feed.*}    # fields of the rule beside its scope
          qps: 90
    config:
      feed.page_size: 20
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from pie.govern import KINDS, SIDES, Key, RuleError, RuleSet, read_rules
from pie.serve.settings.keys import SettingsError

MAX_BYTES: Final = 1 << 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEPLOYMENT: Final = (
    "psm", "type", "prefix", "command", "cluster", "port", "processes", "threads", "drain_seconds",
    "log_folder", "environment",
)  # fmt: skip
_NUMBER: Final = re.compile(r"[-+]?(\d{1,18}|\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+)")
_WORDS: Final[Mapping[str, Any]] = {"": None, "~": None, "null": None, "true": True, "false": False}


class ServiceFile(msgspec.Struct, frozen=True):
    """What the file holds for the service itself.

    The version of its rule sets is 0: what is published has a greater one.
    """

    rules: Mapping[Key, RuleSet[Any]] = {}
    config: Mapping[str, Any] = {}


def read_service_file(path: Path, psm: str) -> ServiceFile:
    """The file of a service; an empty one if there is none.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; the message names file and
            line.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return ServiceFile()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    if len(text) > MAX_BYTES:
        raise SettingsError(f"{path}: it has more than {MAX_BYTES} bytes")
    return _Reader(path, psm).read(text)


class _Reader:
    def __init__(self, path: Path, psm: str) -> None:
        self._path = path
        self._psm = psm

    def read(self, text: bytes) -> ServiceFile:
        try:
            for event in yaml.parse(text, _LOADER):
                if isinstance(event, yaml.AliasEvent):  # A few of them make a file endless.
                    raise self._wrong(event, "aliases (`*name`) are not read: write it again")
            return self._read(yaml.compose(text, _LOADER))
        except RecursionError:
            raise SettingsError(f"{self._path}: it is nested too deeply") from None
        except (yaml.YAMLError, UnicodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or type(error).__name__
            raise SettingsError(f"{self._path}{where}: this is not YAML: {problem}") from None

    def _read(self, root: yaml.Node | None) -> ServiceFile:
        keys = self._mapping(root, "the file") if root is not None else {}
        known = (*_DEPLOYMENT, "rules", "config")
        for name, node in keys.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise self._wrong(node, f"unknown key {name!r}; {hint}")
        named = keys.get("psm")
        if named is not None and named.value != self._psm:
            raise self._wrong(named, f"psm: the file is for {named.value}, not for {self._psm}")
        config = self._mapping(keys["config"], "config") if "config" in keys else {}
        return ServiceFile(
            self._rules(keys["rules"]) if "rules" in keys else {},
            {name: self._value(node) for name, node in config.items()},
        )

    def _rules(self, node: yaml.Node) -> dict[Key, RuleSet[Any]]:
        found: dict[Key, RuleSet[Any]] = {}
        for side, kinds in self._mapping(node, "rules").items():
            if side not in SIDES:
                raise self._wrong(kinds, f"rules: {side!r} is no side: {', '.join(SIDES)}")
            for kind, rules in self._mapping(kinds, f"rules.{side}").items():
                key = Key(kind, self._psm, side)
                found[key] = self._rule_set(key, rules)
        return found

    def _rule_set(self, key: Key, node: yaml.Node) -> RuleSet[Any]:
        where = f"rules.{key.side}.{key.kind}"
        if not isinstance(node, yaml.SequenceNode):
            raise self._wrong(node, f"{where}: write a list: each rule begins with `- `")
        written: list[dict[str, Any]] = []
        fields: list[dict[str, yaml.Node]] = []
        for each in node.value:
            named = self._mapping(each, where)
            fields.append(named | {"": each})
            scope = self._mapping(named["scope"], "scope") if "scope" in named else {}
            written.append(
                {
                    # Names stay as they are written: 404 is a method, no number.
                    "scope": {name: self._pattern(part) for name, part in scope.items()},
                    "body": {n: self._value(part) for n, part in named.items() if n != "scope"},
                }
            )
        try:
            read = read_rules(key, 1, written, KINDS)
        except RuleError as error:
            place: yaml.Node = node
            if error.number is not None:
                part = error.field.rpartition(".")[2]
                named = fields[error.number]
                place = named.get(part) or named.get(error.field.partition(".")[0]) or named[""]
            raise self._wrong(place, f"{where}: {error}") from None
        rules = sorted(read.scoped, key=lambda each: each[1].number)
        return RuleSet(
            read.kind, key.psm, key.side, 0, [(scope, ruling.rule) for scope, ruling in rules]
        )

    def _mapping(self, node: yaml.Node, what: str) -> dict[str, yaml.Node]:
        if isinstance(node, yaml.ScalarNode) and _scalar(node) is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self._wrong(node, f"{what}: write `name: value` lines")
        found: dict[str, yaml.Node] = {}
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise self._wrong(name, f"{what}: a name is a word")
            if name.value in found:
                raise self._wrong(name, f"{what}: {name.value} stands there twice")
            found[name.value] = value
        return found

    def _value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each) for each in node.value]
        if isinstance(node, yaml.MappingNode):
            return {name: self._value(each) for name, each in self._mapping(node, "it").items()}
        return _scalar(node)

    def _pattern(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._pattern(each) for each in node.value]
        if isinstance(node, yaml.ScalarNode):
            return node.value
        raise self._wrong(node, "scope: a pattern is a name, a list of names, or prefix*")

    def _wrong(self, node: yaml.Node | yaml.Event, message: str) -> SettingsError:
        mark = node.start_mark
        return SettingsError(f"{self._path}:{mark.line + 1 if mark else 1}: {message}")


def _scalar(node: yaml.Node) -> Any:
    """As in YAML 1.2: ``no`` is a text, and no date is made of one."""
    text = str(node.value)
    if getattr(node, "style", None):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if set(text) & set(".eE") else int(text)
