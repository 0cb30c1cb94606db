"""From documents, registrations and reports to the answers about dynamic config. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pie.platform.pages.config.sql import InForce
from pie.platform.pages.config.views import (
    ConfigChange,
    ConfigDiff,
    ConfigDraft,
    ConfigHistory,
    ConfigInstance,
    ConfigKey,
    ConfigOverride,
    ConfigPage,
    ConfigProblem,
    ConfigVersion,
    EffectiveValue,
)
from pie.state import Instance, Service
from pie.state.config.book import shown_change
from pie.state.config.document import (
    MASK,
    ConfigDocument,
    Override,
    Who,
    is_in,
    masked,
    sources_of,
    values_of,
)
from pie.state.config.shape import Shape

_CONDITIONS = ("cluster", "env", "instance", "percent")
_MAX_WARNINGS = 50


class Fleet:
    """The running instances of a service, and what their code expects."""

    def __init__(self, psm: str, registered: Service | None) -> None:
        self.psm = psm
        self.instances: tuple[Instance, ...] = registered.instances if registered else ()
        self.shapes: dict[str, list[Shape]] = {}
        """By key; several where instances of different versions expect different things."""
        for each in registered.runtime.values() if registered else ():
            for key, written in each.config.items():
                shape = _shape(written)
                known = self.shapes.setdefault(key, [])
                if shape is not None and shape not in known:
                    known.append(shape)

    def who(self, instance: Instance) -> Who:
        """An instance as overrides see it."""
        return Who(self.psm, instance.cluster, instance.env, instance.id)

    def reached(self, override: Override) -> list[str]:
        """The instances that are in an override."""
        return [each.id for each in self.instances if is_in(override, self.who(each))]

    def secrets(self) -> set[str]:
        """Keys that the code declares secret."""
        return {key for key, shapes in self.shapes.items() if any(s.secret for s in shapes)}

    def objections(self, document: ConfigDocument) -> list[ConfigProblem]:
        """The values that the running code would not take."""
        found = []
        for override, key, value in _values(document):
            for shape in self.shapes.get(key, ()):
                why = shape.objection(value)
                if why:
                    hidden = shape.secret or key in document.secrets
                    told = "the value does not fit what the code expects" if hidden else why
                    found.append(
                        ConfigProblem(_name(override, key), told, "bad_config" if hidden else "")
                    )
                    break
        return found

    def doubts(self, document: ConfigDocument) -> list[ConfigProblem]:
        """What may be a mistake, and is none for sure."""
        found = []
        if not self.instances:
            found.append(
                ConfigProblem(
                    "", "no instance runs: types and reach cannot be checked now", "no_instance"
                )
            )
        elif self.shapes:
            found += [
                ConfigProblem(
                    _name(override, key), "no running code has read this key yet", "key_unread"
                )
                for override, key, _ in _values(document)
                if key not in self.shapes
            ]
        for override in document.overrides:
            if self.instances and not self.reached(override):
                found.append(
                    ConfigProblem(
                        override.name, "no running instance is in this override", "override_empty"
                    )
                )
        return found[:_MAX_WARNINGS]


def build_page(
    now: float,
    fleet: Fleet,
    history: Sequence[ConfigDocument],
    current: ConfigDocument,
    reports: Mapping[str, InForce] | None,
    *,
    may_publish: bool,
) -> ConfigPage:
    """The page of a service."""
    secrets = hidden_keys(fleet, current)
    instances = [
        ConfigInstance(
            each.id, each.cluster, each.env, *_report(reports, each.id),
            [o.name for o in current.overrides if is_in(o, fleet.who(each))],
        )
        for each in fleet.instances
    ]  # fmt: skip
    return ConfigPage(
        now=now,
        psm=fleet.psm,
        version=current.version,
        author=current.author,
        at=current.at,
        comment=current.comment,
        draft=ConfigDraft(
            masked(current.values, secrets),
            sorted(secrets),
            [_override(each, fleet, secrets) for each in current.overrides],
        ),
        keys=_keys(fleet, history, current, secrets),
        instances=instances,
        running=len(instances),
        at_version=None
        if reports is None
        else sum(each.version == current.version for each in instances),
        may_publish=may_publish,
    )


def hidden_keys(fleet: Fleet, document: ConfigDocument) -> set[str]:
    """The keys that are secret by the document or by the code."""
    return {*document.secrets, *fleet.secrets()}


def build_changes(old: ConfigDocument, new: ConfigDocument, hidden: set[str]) -> list[ConfigChange]:
    """What one version changes against another."""
    old = msgspec.structs.replace(old, secrets=sorted({*old.secrets, *hidden}))
    before, after = shown_change(old, new)
    found = list(_changed("", before["values"], after["values"]))
    earlier = {each["name"]: each for each in before["overrides"]}
    later = {each["name"]: each for each in after["overrides"]}
    for name in [*later, *(each for each in earlier if each not in later)]:
        was, now = earlier.get(name), later.get(name)
        found += _changed(name, was["values"] if was else {}, now["values"] if now else {})
        conditions = [_conditions(each) if each else None for each in (was, now)]
        if conditions[0] != conditions[1]:
            found.append(ConfigChange(name, "", "conditions", *conditions))
    return found


def build_history(psm: str, versions: Sequence[ConfigDocument], hidden: set[str]) -> ConfigHistory:
    """The versions, the newest first, each with what it changed."""
    hidden = hidden.union(*(each.secrets for each in versions))
    found = []
    for number, each in enumerate(versions):
        older = versions[number + 1] if number + 1 < len(versions) else None
        base = older or ConfigDocument(psm=psm, version=0)
        found.append(
            ConfigVersion(
                each.version, each.author, each.at, each.comment, older is None,
                build_changes(base, each, hidden),
            )
        )  # fmt: skip
    return ConfigHistory(psm, found)


def build_diff(psm: str, old: ConfigDocument, new: ConfigDocument, hidden: set[str]) -> ConfigDiff:
    """From one version to another."""
    return ConfigDiff(psm, old.version, new.version, build_changes(old, new, hidden))


def overrides_shown(document: ConfigDocument, fleet: Fleet) -> list[ConfigOverride]:
    """The overrides with what they reach."""
    secrets = hidden_keys(fleet, document)
    return [_override(each, fleet, secrets) for each in document.overrides]


def _keys(
    fleet: Fleet, history: Sequence[ConfigDocument], current: ConfigDocument, secrets: set[str]
) -> list[ConfigKey]:
    changed = _last_changes(history)
    inside = [(each, fleet.who(each)) for each in fleet.instances]
    effective = [(each, values_of(current, who), sources_of(current, who)) for each, who in inside]
    names = {key for _, key, _ in _values(current)} | fleet.shapes.keys()
    found = []
    for key in sorted(names):
        shape = next(iter(fleet.shapes.get(key, ())), None)
        by = changed.get(key, ConfigDocument(psm=fleet.psm, version=0))
        hidden = key in secrets
        published = key in current.values
        value = current.values.get(key)
        default = shape.default if shape else None
        found.append(
            ConfigKey(
                key=key,
                published=published,
                value=MASK if hidden and published else value,
                default=default,
                form=shape.form if shape else "",
                choices=shape.choices if shape else [],
                least=shape.least if shape else None,
                most=shape.most if shape else None,
                help=shape.help if shape else "",
                secret=hidden,
                effective=_effective(key, effective, default, hidden=hidden),
                changed_by=by.author,
                changed_at=by.at,
                changed_in=by.version,
            )
        )
    return found


def _effective(
    key: str,
    instances: Sequence[tuple[Instance, Mapping[str, Any], Mapping[str, str]]],
    default: Any,
    *,
    hidden: bool,
) -> list[EffectiveValue]:
    found: dict[tuple[str, str], EffectiveValue] = {}
    for instance, values, sources in instances:
        given = key in values
        source = (sources[key] or "document") if given else "default"
        value = (MASK if hidden else values[key]) if given else default
        each = found.setdefault(
            (source, msgspec.json.encode(value).decode()), EffectiveValue(value, source, 0, [])
        )
        each.instances += 1
        if instance.cluster not in each.clusters:
            each.clusters.append(instance.cluster)
    return sorted(found.values(), key=lambda each: -each.instances)


def _last_changes(history: Sequence[ConfigDocument]) -> dict[str, ConfigDocument]:
    """For each key the newest version that changed it anywhere."""
    found: dict[str, ConfigDocument] = {}
    for number, each in enumerate(history):
        older = history[number + 1] if number + 1 < len(history) else None
        now, was = _by_key(each), _by_key(older) if older else {}
        for key in now.keys() | was.keys():
            if now.get(key) != was.get(key):
                found.setdefault(key, each)
    return found


def _by_key(document: ConfigDocument) -> dict[str, list[tuple[str, Any]]]:
    found: dict[str, list[tuple[str, Any]]] = {}
    for override, key, value in _values(document):
        found.setdefault(key, []).append((override, value))
    return found


def _values(document: ConfigDocument) -> Iterator[tuple[str, str, Any]]:
    """Override (empty: the document itself), key and value of everything that is given."""
    for key, value in document.values.items():
        yield "", key, value
    for override in document.overrides:
        for key, value in override.values.items():
            yield override.name, key, value


def _changed(
    override: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[ConfigChange]:
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            yield ConfigChange(override, key, "added", None, after[key])
        elif key not in after:
            yield ConfigChange(override, key, "removed", before[key], None)
        elif before[key] != after[key]:
            yield ConfigChange(override, key, "changed", before[key], after[key])


def _conditions(override: Mapping[str, Any]) -> dict[str, Any]:
    return {name: override[name] for name in _CONDITIONS}


def _override(override: Override, fleet: Fleet, secrets: set[str]) -> ConfigOverride:
    return ConfigOverride(
        override.name,
        override.cluster,
        override.env,
        override.instance,
        override.percent,
        masked(override.values, secrets),
        fleet.reached(override),
    )


def _report(reports: Mapping[str, InForce] | None, instance: str) -> tuple[int | None, str]:
    found = reports.get(instance) if reports else None
    return (None, "") if found is None else (found.version, found.trouble)


def _shape(written: Any) -> Shape | None:
    """A shape as a process reports it; None for one of a newer Pie."""
    try:
        return msgspec.convert(written, Shape)
    except msgspec.ValidationError:
        return None


def _name(override: str, key: str) -> str:
    return f"{override}: {key}" if override else key
