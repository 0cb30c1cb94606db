"""``conf/rpc/services/<ServiceName>.yml``: how programs of a workspace reach a service."""

import difflib
import logging
import re
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import yaml

from pie.model import PSM, static_endpoint
from pie.rpc.client.link import TLS, PoolLimits
from pie.thrift import parse_transport

_log = logging.getLogger(__name__)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CHECK_SECONDS = 1.0
_AT = re.compile(r" - at `\$\.([a-z_]+)(?:\.([a-z_]+))?")


class CalleeError(Exception):
    """A client whose service is not configured: the message names the file and the key."""


class CalleeFile(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of the file, with their defaults."""

    psm: str
    """PSM of the service, or the registry name of one that is not on Pie."""
    service: str = ""
    """Name of the service in the IDL."""
    cluster: str = ""
    timeout_ms: int | None = None
    """For a call with all its attempts, where neither the call nor a rule says otherwise."""
    transport: str = "ttheader"
    """The transport of ``addresses``; a registered instance has its own."""
    addresses: tuple[str, ...] = ()
    """``host:port`` or ``unix:/path`` of a callee that no registry knows. Empty: ask the
    registry."""
    multiplex: bool = False
    """One connection per instance carries all calls in flight; TTHeader only."""
    tls: TLS | None = None
    """Speak TLS to it; ``{}`` is enough where the system knows its authority."""
    pool: PoolLimits = PoolLimits()


def parse(text: str, path: Path, service: str) -> CalleeFile:
    """Read the text of the file.

    Raises:
        CalleeError: naming file, line, key, and the nearest right key.
    """
    try:
        root = yaml.compose(text, _LOADER)
        data = yaml.load(text, _LOADER)
    except yaml.YAMLError as error:
        raise CalleeError(_syntax(path, error)) from None
    if not isinstance(root, yaml.MappingNode):
        raise CalleeError(f"{path}: expected lines like `psm: product.subsystem.module`")
    lines = {key.value: key.start_mark.line + 1 for key, _ in root.value}
    _check_keys(root, path)
    try:
        file = msgspec.convert(data, CalleeFile)
    except msgspec.ValidationError as error:
        found = _AT.search(str(error))
        key = found[1] if found else "psm"
        inner = ".".join(filter(None, found.groups())) if found else ""
        message = f"{inner}: {str(error)[: found.start()]}" if found else str(error)
        raise CalleeError(f"{path}:{lines.get(key, 1)}: {message}") from None
    _check_values(file, path, lines, service)
    return file


def _syntax(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error)
    return f"{path}{where}: this is not YAML: {problem}"


def _check_keys(root: yaml.MappingNode, path: Path) -> None:
    known = CalleeFile.__struct_fields__
    seen: dict[str, int] = {}
    for node, _ in root.value:
        key, line = str(node.value), node.start_mark.line + 1
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise CalleeError(f"{path}:{line}: unknown key {key!r}; {hint}")
        if key in seen:
            raise CalleeError(f"{path}:{line}: {key} stands in line {seen[key]} already")
        seen[key] = line


def _check_values(file: CalleeFile, path: Path, lines: dict[str, int], service: str) -> None:
    def wrong(key: str, message: object) -> CalleeError:
        return CalleeError(f"{path}:{lines.get(key, 1)}: {key}: {message}")

    try:
        PSM.parse(file.psm)
    except ValueError as error:
        raise wrong("psm", error) from None
    if file.service and file.service != service:
        raise wrong("service", f"this file is for {file.service}, its name is for {service}")
    if file.timeout_ms is not None and file.timeout_ms <= 0:
        raise wrong("timeout_ms", f"{file.timeout_ms} is not above 0")
    try:
        parse_transport(file.transport)
    except ValueError as error:
        raise wrong("transport", error) from None
    for address in file.addresses:
        try:
            static_endpoint(address, "", "")
        except ValueError as error:
            raise wrong("addresses", error) from None


class FollowedFile:
    """The file, checked for a change once a second at most.

    A change that makes no sense is logged as an error, and the content before it stays in force.
    """

    def __init__(self, path: Path, service: str) -> None:
        self.path = path
        self._service = service
        self._lock = threading.Lock()
        self._looked = 0.0
        self._stamp: tuple[int, int] | None = None
        self._content: CalleeFile | None = None

    @property
    def next_look(self) -> float:
        """When to check the file again (monotonic seconds)."""
        return self._looked + _CHECK_SECONDS

    def content(self) -> CalleeFile | None:
        """Its content; the same object until it changes; None if there was never a file.

        Raises:
            CalleeError: it is malformed, and was never read before.
        """
        now = time.monotonic()
        if self._content is not None and now - self._looked < _CHECK_SECONDS:
            return self._content
        with self._lock:
            self._looked = now
            stamp = self._stat()
            if stamp is not None and (stamp != self._stamp or self._content is None):
                self._read(stamp)
            return self._content

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read(self, stamp: tuple[int, int]) -> None:
        self._stamp = stamp
        try:
            text = self.path.read_text(encoding="utf-8")
            self._content = parse(text, self.path, self._service)
        except (CalleeError, OSError, UnicodeDecodeError) as error:
            if self._content is None:
                if isinstance(error, CalleeError):
                    raise
                raise CalleeError(f"{self.path} cannot be read: {error}") from None
            _log.error("kept the last good %s: %s", self.path.name, error)
