"""uWSGI that speaks HTTP itself, one process with threads.

The variant ``http-socket`` closes a connection after each reply. Its ``http11-socket`` keeps them,
with a thread for each connection; it is no socket for production, but uWSGI's fastest.
"""

from sides.side import Asked, main


def serve(asked: Asked) -> None:
    import pyuwsgi

    pyuwsgi.run(
        [
            f"--{asked.variant or 'http11-socket'}=127.0.0.1:{asked.port}",
            f"--threads={asked.threads}",
            f"--module={asked.reference}",
            "--need-app", "--disable-logging", "--die-on-term", "--listen=1024",
        ]
    )  # fmt: skip


if __name__ == "__main__":
    main(serve, ["pyuwsgi", "flask", "django"])
