"""gunicorn with its thread worker: one process beside the arbiter."""

from sides.side import Asked, become, main


def serve(asked: Asked) -> None:
    become(
        "-m", "gunicorn", "--workers=1", "--worker-class=gthread", f"--threads={asked.threads}",
        "--keep-alive=75", "--worker-connections=20000", "--backlog=16384", "--log-level=error",
        "--graceful-timeout=1", f"--bind=127.0.0.1:{asked.port}", asked.reference,
    )  # fmt: skip


if __name__ == "__main__":
    main(serve, ["gunicorn", "flask", "django"])
