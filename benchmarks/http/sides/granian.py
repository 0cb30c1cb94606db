"""granian, a server in Rust: one worker, WSGI."""

from sides.side import Asked, become, main


def serve(asked: Asked) -> None:
    become(
        "-m", "granian", "--interface=wsgi", "--http=1", "--no-ws", "--workers=1",
        f"--blocking-threads={asked.threads}", "--backlog=16384", "--log-level=error",
        "--host=127.0.0.1", f"--port={asked.port}", asked.reference,
    )  # fmt: skip


if __name__ == "__main__":
    main(serve, ["granian", "flask", "django", "opentelemetry-sdk", "prometheus_client"])
