"""Setting up a process: identity, logs, discovery; and taking them down again."""

import atexit
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pie.call import Runtime, set_runtime
from pie.call.switches import SWITCHES
from pie.model import declare_failure_codes, is_unix, read_failure_codes
from pie.observe import Console, Identity, InForce, Observer, host_address
from pie.serve.settings.keys import Settings, SettingsError
from pie.serve.settings.loading import Loaded
from pie.serve.settings.service_file import read_service_file
from pie.serve.workspace import Workspace
from pie.state import Directory, Follower, RemoteStore
from pie.state.config.document import Who
from pie.state.config.follow import StoreConfig
from pie.state.config.live import LIVE
from pie.state.rules.source import StoreRules
from pie.state.tokens import bound_token

logger = logging.getLogger(__name__)
_FIRST_RULES_S = 1.0


class Process:
    """Identity, logs and discovery of a process, a service or a script.

    Args:
        loaded: its settings.
        workspace: around it.
        service_root: folder of its code.
        port: at which it is called; 0 for a script and on a unix socket.
        console: that shows its log lines.

    Attributes:
        advertised: this host's address in the fleet.
        endpoint: at which it is called: that address, or ``unix:/path``.
    """

    def __init__(
        self,
        loaded: Loaded,
        workspace: Workspace,
        service_root: Path,
        port: int = 0,
        console: Console | None = None,
    ) -> None:
        self.settings = settings = loaded.settings
        self.workspace = workspace
        self.port = port
        self.advertised = _address_of(_advertised(settings))
        self.endpoint = settings.HOST if is_unix(settings.HOST) else self.advertised
        pinned = pinned_instances()
        self.identity = Identity(
            psm=settings.PSM,
            cluster=settings.CLUSTER,
            env=settings.ENV,
            host=self.advertised,
            instance=f"{self.advertised}:{port or f'pid{os.getpid()}'}",
            version=settings.VERSION,
            idc=settings.IDC,
        )
        self.console = console
        file = workspace.conf / "app" / f"service-{settings.PSM}.yml"
        own = read_service_file(file, settings.PSM)
        self.observer = Observer(
            self.identity,
            workspace.log_root,
            service_root,
            console=console,
            caller_errors=settings.CALLER_ERRORS,
        )
        self.observer.install(settings.LOG_LEVEL)
        declare_failure_codes(read_failure_codes(settings.FAILURE_CODES))
        self.store = RemoteStore(
            workspace.platform, lambda: bound_token(workspace.token(), settings.PSM)
        )
        snapshots = workspace.log_root / self.identity.product / "state"
        self.follower = Follower(self.store)
        self.directory = Directory(self.store, snapshots, follower=self.follower)
        self.rules = StoreRules(
            self.identity.psm,
            self.identity.instance,
            self.follower,
            snapshots / "rules",
            defaults=own.rules,
            off=govern_is_off(),
        )
        report = self.observer.in_force
        self.rules.follow(report.changed)
        report.add(self._rules_in_force)
        self.config = StoreConfig(
            self.follower,
            Who(settings.PSM, settings.CLUSTER, settings.ENV, self.identity.instance),
            snapshots,
        )
        if not self.config.version:
            LIVE.offer(0, own.config)
        self.config.changed_in_force = SWITCHES.changed = report.changed
        report.add(self._config_in_force)
        report.add(_switches_known)
        self.runtime = Runtime(
            self.observer,
            self.directory,
            pinned=pinned,
            conf=workspace.conf,
            rules=self.rules,
            shares=self.store.shares,
        )
        set_runtime(self.runtime)

    def follow_rules(self) -> None:
        """Know the rules before the first request is served; call it after the last fork.

        Does not wait for a platform that is away: the process runs on the rules that it has on its
        disk, or on the defaults in code, which is logged.
        """
        try:
            self.rules.start(_FIRST_RULES_S)
        except RuntimeError as error:
            logger.warning("rules cannot be followed, those on the disk stay: %s", error)
        if self.runtime.demand is not None:
            self.runtime.demand.start()
        self.observer.recorder.wake()  # It reports what is in force, though nobody calls.

    def _rules_in_force(self) -> list[InForce]:
        return [
            InForce(
                f"rule/{each.key.side}/{each.key.kind}@{each.key.psm}",
                each.version,
                each.trouble,
                each.source,
            )
            for each in self.rules.in_force()
        ]

    def _config_in_force(self) -> list[InForce]:
        self.config.keep()
        version, trouble = self.config.version, self.config.trouble
        return [InForce("config", version, trouble)] if version or trouble else []

    def close_at_exit(self) -> None:
        """Let the process close when it ends. A forked child is not the one to do it."""
        owner = os.getpid()
        atexit.register(lambda: self.close() if os.getpid() == owner else None)

    def close(self) -> None:
        """Flush and close everything; the process makes no more calls."""
        set_runtime(None)
        if self.runtime.demand is not None:
            self.runtime.demand.stop()
        self.config.close()
        self.directory.close()
        self.follower.stop()
        self.store.close()
        self.observer.close()


def _switches_known() -> list[InForce]:
    """The switches in the code, for the page that lists them before anybody flips one."""
    return [
        InForce(f"switch/{name}", 0, "", msgspec.json.encode(info._asdict()).decode())
        for name, info in SWITCHES.known().items()
    ]


def govern_is_off(environ: Mapping[str, str] = os.environ) -> bool:
    """``PIE_GOVERN=off`` runs a process without any rule, for whoever suspects one of them."""
    value = environ.get("PIE_GOVERN", "on").strip().lower()
    if value not in ("on", "off", ""):
        raise SettingsError(f"PIE_GOVERN: {value[:50]!r} is neither on nor off")
    return value == "off"


def script_console(settings: Settings) -> Console | None:
    """Show log lines on the stdout of a script in debug mode only."""
    return Console(sys.stdout, everything=True) if settings.DEBUG else None


def _advertised(settings: Settings) -> str:
    if settings.ADVERTISE:
        return settings.ADVERTISE
    anywhere = settings.HOST in ("0.0.0.0", "::") or is_unix(settings.HOST)
    return host_address() if anywhere else settings.HOST


def _address_of(name: str) -> str:
    """The IP of a host name: logids and log lines carry addresses."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(name, None, socket.AF_INET)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"HOST or ADVERTISE: no address for {name!r}: {error}") from None


def pinned_instances(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """``PIE_PIN=toutiao.article.article=127.0.0.1:7701,…`` pins services to instances."""
    pairs = [pair.partition("=") for pair in environ.get("PIE_PIN", "").split(",") if pair]
    for psm, _, address in pairs:
        if not address:
            raise SettingsError(f"PIE_PIN: {psm!r} names no instance; write PSM=host:port")
    return {psm.strip(): address.strip() for psm, _, address in pairs}
