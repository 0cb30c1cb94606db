"""The bootstrap.py of a service on Pie, its settings in the environment; the argument names its
application.

A bare WSGI application, which ``pie.serve`` has no face for, is served the way Flask's is.
"""

import sys

import pie.serve

app = sys.argv.pop(1)


def serve_bare(reference: str) -> None:
    from pie.serve.launch import launch_of_caller
    from pie.serve.run import _edge, _http_server
    from pie.serve.service import Service
    from pie.state import ServiceMeta
    from pie.web.wsgi import Middleware

    service = Service(launch_of_caller(None), "http", "flask")
    settings = service.settings
    wrapped = Middleware(service.load(reference), service.process.runtime, _edge(settings))
    meta = ServiceMeta(
        psm=settings.PSM,
        framework="wsgi",
        framework_version="",
        protocol="http",
        owners=(),
        interfaces=(),
    )
    service.run(meta, _http_server(wrapped, settings))


if app == "django_app":
    pie.serve.django("workload.django_project")
elif app == "flask_app":
    pie.serve.flask("workload.flask_app:application")
else:
    serve_bare(f"workload.{app}:application")
