"""The answers about dynamic config. Times are Unix seconds; values of secrets are masked."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict

from pie.state.config.shape import Form


@dataclass(slots=True)
class ConfigOverride:
    """Other values for some processes; a process is in it when each given condition holds.

    ``reaches`` are the running instances that are in it now.
    """

    name: str
    cluster: list[str]
    env: list[str]
    instance: list[str]
    percent: float
    values: dict[str, Any]
    reaches: list[str]


@dataclass(slots=True)
class ConfigDraft:
    """All of a configuration, as it is edited; a masked value stands for the secret it hides."""

    values: dict[str, Any]
    secrets: list[str]
    overrides: list[ConfigOverride]


@dataclass(slots=True)
class EffectiveValue:
    """A value that running instances have: ``source`` names the override that it comes from,
    ``document`` or ``default``."""

    value: Any
    source: str
    instances: int
    clusters: list[str]


@dataclass(slots=True)
class ConfigKey:
    """One key: published, expected by the running code, or both.

    ``form`` is empty when no running process expects it. ``least`` and ``most`` bound the value, or
    its length. ``changed_*`` tell of the newest version that changed it.
    """

    key: str
    published: bool
    value: Any
    default: Any
    form: Form | Literal[""]
    choices: list[Any]
    least: float | None
    most: float | None
    help: str
    secret: bool
    effective: list[EffectiveValue]
    changed_by: str
    changed_at: float
    changed_in: int


@dataclass(slots=True)
class ConfigInstance:
    """A running instance. ``version`` is None when it has not reported one yet."""

    id: str
    cluster: str
    env: str
    version: int | None
    trouble: str
    overrides: list[str]


@dataclass(slots=True)
class ConfigPage:
    """The configuration of a service; version 0 = nothing was published.

    ``at_version`` of ``running`` instances run this version; None when the store of facts does not
    answer.
    """

    now: float
    psm: str
    version: int
    author: str
    at: float
    comment: str
    draft: ConfigDraft
    keys: list[ConfigKey]
    instances: list[ConfigInstance]
    running: int
    at_version: int | None
    may_publish: bool


@dataclass(slots=True)
class ConfigChange:
    """One value that differs between two versions; ``override`` empty = the document's own.

    A secret's values are masked, whether it changed or not.
    """

    override: str
    key: str
    action: Literal["added", "removed", "changed", "conditions"]
    before: Any
    after: Any


@dataclass(slots=True)
class ConfigProblem:
    """``key`` names the value, or is empty; ``reason`` says it for other languages where it is not
    empty."""

    key: str
    message: str
    reason: str = ""


@dataclass(slots=True)
class ConfigCheck:
    """What publishing a draft would do. With errors it would be refused.

    ``conflict`` says who published since the version that the editor saw; empty = nobody.
    """

    errors: list[ConfigProblem]
    warnings: list[ConfigProblem]
    changes: list[ConfigChange]
    overrides: list[ConfigOverride]
    running: int
    conflict: str
    version: int


@dataclass(slots=True)
class ConfigVersion:
    """One version, and what it changed against the one before; ``first``: none is kept before."""

    version: int
    author: str
    at: float
    comment: str
    first: bool
    changes: list[ConfigChange]


@dataclass(slots=True)
class ConfigHistory:
    """The versions that are kept, the newest first."""

    psm: str
    versions: list[ConfigVersion]


@dataclass(slots=True)
class ConfigDiff:
    """What changed from one version to another; 0 stands for nothing published."""

    psm: str
    before: int
    after: int
    changes: list[ConfigChange]


@dataclass
class OverridePost:
    """An override, as it is published."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    values: dict[str, Any]
    cluster: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    instance: list[str] = field(default_factory=list)
    percent: float = 100.0


@dataclass
class ConfigPut:
    """All of a configuration. ``seen`` is the version that the editor saw."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    seen: int
    values: dict[str, Any]
    secrets: list[str] = field(default_factory=list)
    overrides: list[OverridePost] = field(default_factory=list)
    comment: str = ""


@dataclass
class RollbackPost:
    """To which version, from the one that the editor saw, and why."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    to: int
    seen: int
    comment: str = ""
