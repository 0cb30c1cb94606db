"""Does a fenced job until it is killed: `fenced_worker.py ETCD NAME`, prints what it did.

The job: count by one in /count, and in the same commit write down with which token. Half of each
commit would show as a number without its line, or a line without its number.
"""

import sys
import time

from pie.state import Conflict, Fenced, FenceLost, StoreError, Write
from pie.state.store.etcd.address import parse_address
from pie.state.store.etcd.store import EtcdStore

store = EtcdStore(parse_address(sys.argv[1]))
assert store.wait_loaded(20), store.mirror.trouble
fence = Fenced(store, "counting", 3.0, holder=sys.argv[2])
print("ready", flush=True)
while True:
    try:
        if not fence.hold():
            time.sleep(0.05)
            continue
        entry = store.get("/count")
        number = int(entry.value) + 1 if entry is not None else 1
        seen = entry.mod_revision if entry is not None else 0
        writes = [
            Write("/count", str(number)),
            Write(f"/lines/{number:06d}", f"{fence.token} {sys.argv[2]}"),
        ]
        fence.commit(writes, expect={"/count": seen})
        print(number, flush=True)
    except FenceLost:
        print("lost", flush=True)
    except (Conflict, StoreError) as error:
        print(f"trouble {error.kind}", flush=True)
        time.sleep(0.05)
