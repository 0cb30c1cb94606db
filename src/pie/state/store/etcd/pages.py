"""Reads everything under a prefix of etcd, at one revision and in pieces of bounded size."""

from pie.state.store.etcd import wire
from pie.state.store.etcd.gateway import Gateway
from pie.state.store.interface import Entry, check_key
from pie.state.store.interface import Invalid as _Invalid

FIRST_KEYS = 64
"""Of the first piece: 64 MiB at most."""
MOST_KEYS = 4096
_PIECE = 4 << 20
"""Bytes that a piece should have."""


class Names:
    """Pie's keys in etcd, and back: the namespace comes before each."""

    def __init__(self, namespace: str) -> None:
        self._before = namespace.encode()
        self.first = self._before + b"/"

    def key(self, key: str) -> bytes:
        """Of a key or a prefix of Pie's."""
        return self._before + key.encode()

    def entry(self, kv: wire.KeyValue) -> Entry | None:
        """Of a key in etcd; None for one that cannot be Pie's."""
        key = self.name(kv)
        if key is None:
            return None
        value = kv.value.decode(errors="replace")
        return Entry(key, value, kv.create_revision, kv.mod_revision, kv.lease)

    def name(self, kv: wire.KeyValue) -> str | None:
        """Pie's name of a key in etcd; None for one that cannot be Pie's."""
        key = kv.key[len(self._before) :].decode(errors="replace")
        try:
            check_key(key)
        except _Invalid:
            return None
        return key


def read_all(gateway: Gateway, names: Names, prefix: bytes) -> tuple[wire.Header, list[Entry]]:
    """The entries under a prefix, and the header of the answer whose revision they stand at.

    Raises:
        StoreAway: etcd cannot answer.
        EtcdError: the revision was compacted meanwhile; begin again.
    """
    found: list[Entry] = []
    begin, end = prefix, wire.end_of(prefix)
    header: wire.Header | None = None
    limit = FIRST_KEYS
    while True:
        request = wire.RangeRequest(begin, end, limit, header.revision if header else 0)
        reply = gateway.call("/v3/kv/range", request, wire.RangeReply, repeat=True)
        header = header or reply.header
        found += filter(None, map(names.entry, reply.kvs))
        if not reply.more or not reply.kvs:
            return header, found
        begin = reply.kvs[-1].key + b"\0"
        size = sum(len(kv.value) for kv in reply.kvs) // len(reply.kvs) or 1
        limit = max(1, min(_PIECE // size, limit * 2, MOST_KEYS))
