"""The generator for gRPC, which load.c does not speak: a grpc.aio client on bytes made before.

It takes what load.c takes of ``--port --connections --warm-up --seconds --watch`` and prints the
same JSON. It costs more than the servers it calls, so what it measures of them is CPU per call;
calls per second are its own limit.
"""

import argparse
import asyncio
import json
import time

import grpc

from sides.grpcio import bench_pb2, request
from workload.data import SLEEP_MS, SPIN_ROUNDS, TEXT

CALLS = {
    "Echo": bench_pb2.Text(text=TEXT),
    "MGetItems": request(),
    "Sleep": bench_pb2.Number(number=SLEEP_MS),
    "Spin": bench_pb2.Number(number=SPIN_ROUNDS),
}


class Load:
    """So many channels, each with one call at a time."""

    def __init__(self, port: int, method: str, connections: int) -> None:
        self._port = port
        self._method = f"/bench.Bench/{method}"
        self._data = CALLS[method].SerializeToString()
        self._connections = connections
        self._stopped = False
        self.latencies: list[float] = []
        self.errors: list[str] = []

    async def run(self, warm_up: float, seconds: float, watched: list[int]) -> dict:
        callers = [asyncio.create_task(self._call_on()) for _ in range(self._connections)]
        await asyncio.sleep(warm_up)
        self.latencies = []
        server, own, begin = _cpu(watched), time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        latencies, took = self.latencies, time.perf_counter() - begin
        server, own = _cpu(watched) - server, time.process_time() - own
        self._stopped = True
        await asyncio.gather(*callers)
        return self._result(sorted(latencies), took) | {"server_cpu": server, "generator_cpu": own}

    def _result(self, latencies: list[float], took: float) -> dict:
        def at(share: float) -> float:
            last = len(latencies) - 1
            return latencies[round(share * last)] * 1e6 if latencies else 0.0

        return {
            "calls": len(latencies),
            "qps": len(latencies) / took,
            "p50": at(0.5),
            "p99": at(0.99),
            "p999": at(0.999),
            "max": at(1),
            "seconds": took,
            "errors": len(self.errors),
            "first_error": self.errors[0] if self.errors else "",
            "server_rss": 0,
            "server_pss": 0,
            "idle_lost": 0,
            "reopened": 0,
            "unserved": 0,
            "kinds": [],
        }

    async def _call_on(self) -> None:
        # Channels to one address share a connection unless they are told not to.
        own = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}", own) as channel:
            call = channel.unary_unary(self._method)
            while not self._stopped:
                begin = time.perf_counter()
                try:
                    await call(self._data)
                except grpc.aio.AioRpcError as error:
                    self.errors.append(str(error.details()))
                    return
                self.latencies.append(time.perf_counter() - begin)


def _cpu(processes: list[int]) -> float:
    """Seconds of all threads, by the clock that clock_getcpuclockid(3) would name."""
    return sum(time.clock_gettime(~process << 3 | 2) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--method", choices=CALLS, required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=0.2)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--watch", type=int, action="append", default=[])
    options = parser.parse_args()
    load = Load(options.port, options.method, options.connections)
    print(json.dumps(asyncio.run(load.run(options.warm_up, options.seconds, options.watch))))


if __name__ == "__main__":
    main()
