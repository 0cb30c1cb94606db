"""A state server as the platform wires it: `serve_state.py FILE PORT`, prints ready."""

import asyncio
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from pie.platform.server.state_access import Access
from pie.platform.server.state_routes import state_router
from pie.state.store.embedded import EmbeddedStore
from pie.state.store.expiry import ExpiryThread


async def serve(path: Path, port: int) -> None:
    store = EmbeddedStore(path)
    ExpiryThread(store, period=0.05).start()
    app = FastAPI()
    app.include_router(state_router(store, lambda _: Access()))
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="error", ws="none", timeout_graceful_shutdown=1)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await running


asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
