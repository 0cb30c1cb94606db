"""fastpysgi, a server in C: one thread, which runs the application between its events."""

from importlib import import_module

import fastpysgi

from sides.side import Asked, main


def serve(asked: Asked) -> None:
    application = import_module(f"workload.{asked.app}").application
    fastpysgi.run(application, host="127.0.0.1", port=asked.port)


if __name__ == "__main__":
    main(serve, ["fastpysgi", "flask", "django"])
