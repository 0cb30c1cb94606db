"""The registry as the tools see it: looked up directly, or what this machine last knew of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from pie.model import PSM
from pie.state import (
    Instance,
    RemoteStore,
    ServiceMeta,
    Store,
    StoreAway,
    StoreError,
    instances_prefix,
    meta_key,
)
from pie.state.registry.instances import PREFIX, read_instance, read_meta
from pie.state.registry.nearest import nearest
from pie.state.registry.snapshot import SnapshotDir
from pie.tool.terminal.api import Token
from pie.tool.terminal.location import enter_workspace, find_workspace

_MARKER = Path("runtime") / "workspace.yml"


class Registered(NamedTuple):
    """An instance and whether it is there until somebody takes it out."""

    instance: Instance
    by_hand: bool


class Found(NamedTuple):
    """One service of the registry. ``saved`` is 0, or the date of the snapshot it comes from, and
    then ``away`` says why the registry was not asked."""

    psm: str
    meta: ServiceMeta | None
    instances: tuple[Registered, ...]
    saved: float = 0.0
    away: str = ""

    @property
    def clusters(self) -> dict[str, int]:
        """Instances by cluster."""
        counts: dict[str, int] = {}
        for each in self.instances:
            counts[each.instance.cluster] = counts.get(each.instance.cluster, 0) + 1
        return counts


class Registry:
    """The registry of a workspace's platform.

    Args:
        url: of the platform; empty = the workspace's, or $PIE_PLATFORM.
    """

    def __init__(self, url: str = "") -> None:
        enter_workspace()
        self._workspace = find_workspace()
        self._url = url or self._workspace.platform
        self._token = Token(None, self._workspace, os.environ, self._url)
        named = self._workspace.given_token or self._workspace.token_file.exists()
        # Away from the platform's machine a person reads with their own token.
        own = self._token.is_login and not named
        self.store: Store = self._open(self._token if own else self._workspace.token)

    def writing(self) -> Store:
        """The registry with a person's token: services may write their own entries only."""
        token = self._token
        try:
            token()
        except click.ClickException:
            return self.store  # The platform says what is missing, if it minds.
        return self._open(token)

    def _open(self, token: Callable[[], str]) -> Store:
        try:
            return RemoteStore(self._url, token)
        except ValueError as error:
            raise click.ClickException(str(error)) from None

    def find(self, psm: str) -> Found:
        """The service registered under a PSM, or what a process of this machine saved of it.

        Raises:
            ClickException: nobody knows it; the message names the names most like it.
        """
        self._check(psm)
        try:
            entries = self.store.range(instances_prefix(psm)).entries
            entry = self.store.get(meta_key(psm))
        except StoreAway as error:
            return self._remembered(psm, error)
        except StoreError as error:
            raise click.ClickException(str(error)) from None
        meta = read_meta(entry.key, entry.value) if entry is not None else None
        instances = tuple(
            Registered(instance, by_hand=each.lease == 0)
            for each in entries
            if (instance := read_instance(each.key, each.value)) is not None
        )
        if not instances and meta is None:
            raise click.ClickException(self._unknown(psm))
        return Found(psm, meta, instances)

    def snapshot(self, psm: str) -> tuple[tuple[Instance, ...], float]:
        """The latest list that a process of this machine kept, and its date; empty if none."""
        found: tuple[tuple[Instance, ...], float] = ((), 0.0)
        for folder in sorted(self._workspace.log_root.glob("*/state")):
            snapshot = SnapshotDir(folder).load(psm)
            if snapshot is not None and snapshot.saved > found[1]:
                found = snapshot.instances, snapshot.saved
        return found

    def all(self) -> dict[str, Found]:
        """Every service that is registered, or was.

        Raises:
            ClickException: the registry does not answer.
        """
        metas: dict[str, ServiceMeta] = {}
        instances: dict[str, list[Registered]] = {}
        try:
            entries = self.store.range(PREFIX).entries
        except StoreError as error:
            raise click.ClickException(str(error)) from None
        for entry in entries:
            psm, _, rest = entry.key.removeprefix(PREFIX).partition("/")
            if rest == "meta" and (meta := read_meta(entry.key, entry.value)) is not None:
                metas[psm] = meta
            elif rest.startswith("instances/"):
                instance = read_instance(entry.key, entry.value)
                if instance is not None:
                    instances.setdefault(psm, []).append(Registered(instance, entry.lease == 0))
        return {
            psm: Found(psm, metas.get(psm), tuple(instances.get(psm, ())))
            for psm in sorted(metas.keys() | instances.keys())
        }

    def _check(self, psm: str) -> None:
        """Not a PSM: the names that have the text in them, if the registry says any."""
        try:
            PSM.parse(psm)
        except ValueError as error:
            try:
                names = [name for name in self.all() if psm and psm.lower() in name]
            except click.ClickException:
                names = []
            hint = f"\nRegistered names with it: {', '.join(names[:10])}" if names else ""
            raise click.ClickException(f"{error}{hint}") from None

    def _remembered(self, psm: str, error: StoreAway) -> Found:
        instances, saved = self.snapshot(psm)
        if not instances:
            raise click.ClickException(
                f"{error}\nNo process of this workspace ({self._workspace.log_root}) ever kept "
                f"the instances of {psm}, so there is no last known list either."
            )
        return Found(psm, None, tuple(Registered(i, False) for i in instances), saved, str(error))

    def _unknown(self, psm: str) -> str:
        try:
            names = nearest(self.store, psm)
        except StoreError:
            names = ()
        hint = f" Did you mean {' or '.join(names)}?" if names else " `sd list` shows who is there."
        return f"the registry does not know {psm}.{hint}"


def as_json(found: Found) -> bytes:
    """A service for programs: one JSON object."""
    return msgspec.json.encode(
        {
            "psm": found.psm,
            "source": "snapshot" if found.away else "registry",
            "saved": found.saved or None,
            "away": found.away or None,
            "instances": [
                {**plain(each.instance), "address": each.instance.address, "by_hand": each.by_hand}
                for each in found.instances
            ],
        }
    )


def plain(instance: Instance) -> dict[str, object]:
    """All fields of an instance, defaults too."""
    return {name: getattr(instance, name) for name in Instance.__struct_fields__}
