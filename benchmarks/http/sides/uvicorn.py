"""uvicorn with uvloop and httptools. Whatever application is asked for, it serves FastAPI's."""

from sides.side import Asked, become, main


def serve(asked: Asked) -> None:
    become(
        "-m", "uvicorn", "--workers=1", "--loop=uvloop", "--http=httptools", "--no-access-log",
        "--log-level=error", "--timeout-keep-alive=75", "--backlog=16384",
        "--timeout-graceful-shutdown=1", "--host=127.0.0.1", f"--port={asked.port}",
        "workload.fastapi_app:application",
    )  # fmt: skip


if __name__ == "__main__":
    main(serve, ["uvicorn", "fastapi", "uvloop", "httptools"])
