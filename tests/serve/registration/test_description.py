"""What a running service says of itself in the registry."""

import pie
from pie._core import native
from pie.state import RemoteStore, lookup_services


def test_its_facts_are_there_while_it_runs(services, state: str) -> None:
    services.write("THREADS = 3\nVERSION = '1.2'\nCACHE = 'redis://:hush@127.0.0.1:1/0'\n")
    running = services.start("--cluster", "canary", PIE_PLATFORM=state, PIE_TOKEN="t", PIE_ENV="e")
    port = running.port
    store = RemoteStore(state, "t")
    service = running.until(
        lambda: (found := lookup_services(store).get("toutiao.my.api")) and found.meta and found,
        "its registration",
    )
    (instance,) = service.instances
    assert (instance.port, instance.cluster, instance.env) == (port, "canary", "e")
    assert instance.pid == running.process.pid
    facts = service.runtime[instance.id]
    assert (facts.workers, facts.threads, facts.pie) == (1, 3, pie.__version__)
    assert facts.server == ("gunicorn gthread" if native is None else "pie http leader")
    assert facts.python.startswith("CPython 3.")
    assert facts.debug == instance.debug
    assert facts.debug.endswith(f"/toutiao/debug/toutiao.my.api.{instance.pid}.sock")
    assert facts.command.endswith("bootstrap.py --cluster canary")
    settings = {each.key: (each.value, each.source) for each in facts.settings}
    assert settings["CLUSTER"] == ("canary", "command line")
    assert settings["ENV"] == ("e", "environment")
    assert settings["THREADS"] == ("3", "settings.py")
    assert settings["HOST"] == ("127.0.0.1", "default")
    assert settings["CACHE"] == ("redis://:******@127.0.0.1:1/0", "settings.py")
    running.stop()
    left = lookup_services(store)["toutiao.my.api"]
    assert (left.instances, left.runtime) == ((), {})
