"""The benchmark of HTTP: how a server is started, asked once, and loaded."""

import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from common import bench as common
from common.bench import Mix
from common.measure import Broken, Load, Server, Tool, load_arguments, more_arguments
from peers import CALLEE, PEERS, PIE, PIE_GUNICORN, RPC, Peer
from workload.data import DOCUMENT, FILE_SIZE, HELLO, POST_SIZE, TEXT

_PATIENCE = 30.0


class Asked(NamedTuple):
    """One kind of request.

    Attributes:
        body: None for a GET.
        is_right: whether a content answers it.
    """

    body: bytes | None
    is_right: Callable[[bytes], bool]


def _exactly(content: bytes) -> Callable[[bytes], bool]:
    return lambda answer: answer.strip(b'"') == content


REQUESTS = {
    "/hello": Asked(None, _exactly(HELLO)),
    "/json": Asked(None, lambda answer: json.loads(answer) == DOCUMENT),
    "/post": Asked(b"y" * POST_SIZE, _exactly(b"%d" % POST_SIZE)),
    "/file": Asked(None, lambda answer: len(answer) == FILE_SIZE),
    "/thrift": Asked(None, _exactly(b"%d" % len(TEXT))),
    "/compute": Asked(None, _exactly(b"computed")),
    "/wait": Asked(None, _exactly(b"waited")),
    "/sleep": Asked(None, _exactly(b"slept")),
}


class _Rooted(Server):
    """A server with a folder for its files, which is removed when it has stopped.

    Args:
        folder: its own.
        arguments: of a `Server`.
    """

    def __init__(self, folder: Path, *arguments: Any) -> None:
        self._folder = folder
        super().__init__(*arguments)

    def stop(self) -> str:
        """End it; returns what it printed."""
        try:
            return super().stop()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class Bench(common.Bench[Peer]):
    """One run of the benchmark.

    Attributes:
        folder: for files, removed at the end.
        steady: requests of the section on memory that grows.
    """

    folder: Path
    steady: int

    def start(
        self,
        peer: Peer,
        *,
        cores: set[int] | None = None,
        app: str = "bare_app",
        threads: int = 0,
        thrift_port: int = 0,
    ) -> Server:
        """Start a peer's server.

        Args:
            peer: whose.
            cores: instead of the server's.
            app: module of the application.
            threads: that run views; 0 = the peer's number.
            thrift_port: of the callee of its views.

        Raises:
            Broken: it does not start.
        """
        if not peer.module:
            command = [str(PEERS / "floor"), HELLO.decode()]
            if peer == CALLEE:
                command = [str(PEERS / "callee")]
            return Server(peer.name, command, cores or self.cores.server, {})
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        number = threads or peer.threads
        options = [f"--app={app}", f"--threads={number}", f"--variant={peer.variant}"]
        environ = peer.environ | {
            "BENCH_FOLDER": str(folder),
            "BENCH_FILE": str(self._file),
            "BENCH_IDL": str(RPC / "workload" / "bench.thrift"),
            "BENCH_THRIFT_PORT": str(thrift_port),
            "BENCH_CLIENT": "pie" if peer in (PIE, PIE_GUNICORN) else "thriftpy2",
            "PIE_PIN": f"bench.thrift.server=127.0.0.1:{thrift_port or 9}/ttheader",
        }
        command = peer.command("serve", *options)
        return _Rooted(folder, peer.name, command, cores or self.cores.server, environ)

    def generator(self, peer: Peer, server: Server, mix: str | Mix, load: Load) -> Tool:
        """A running generator, once every kind of request was answered rightly."""
        arguments = [*load_arguments(load, server), *more_arguments(load)]
        for path, weight in ({mix: 1} if isinstance(mix, str) else mix).items():
            size = ask(server, path)
            file = self._request(path, keeps=peer.keeps)
            arguments.append(f"--request={file},{weight},{size}")
        return Tool([str(PEERS / "load"), *arguments], self.cores.generator, {})

    @cached_property
    def _file(self) -> Path:
        file = self.folder / "sent"
        file.write_bytes(bytes(range(250)) * (FILE_SIZE // 250))
        return file

    def _request(self, path: str, *, keeps: bool) -> Path:
        """The file of a request."""
        file = self.folder / f"request.{path.strip('/')}.{'keeps' if keeps else 'closes'}"
        body = REQUESTS[path].body
        verb, content = ("GET", b"") if body is None else ("POST", body)
        fields = {"Host": "127.0.0.1", "User-Agent": "bench/1", "Accept": "*/*"}
        if not keeps:
            fields["Connection"] = "close"
        if body is not None:
            fields |= {"Content-Type": "application/octet-stream"}
            fields |= {"Content-Length": str(len(content))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        file.write_bytes(f"{verb} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
        return file


def ask(server: Server, path: str) -> int:
    """Make one request, and compare what comes with what is right.

    Returns:
        The size of the content.

    Raises:
        Broken: the answer is wrong.
    """
    asked = REQUESTS[path]
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", asked.body)
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            content: Any = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            why = error.read(300).decode(errors="replace")
        raise Broken(f"{server.name} answers {path} with {error.code}: {why}") from None
    except OSError as error:
        raise Broken(f"{server.name} does not answer {path}: {error} {server.last_words}") from None
    if not asked.is_right(content):
        raise Broken(f"{server.name} answers {path} with {content[:80]!r}")
    return len(content)
