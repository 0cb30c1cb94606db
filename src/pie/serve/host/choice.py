"""Which host runs this process."""

from typing import Literal

from pie.serve.host.alone import Alone
from pie.serve.host.host import Host
from pie.serve.host.uwsgi import uwsgi_host


def find_host(protocol: Literal["http", "thrift"]) -> Host:
    """uWSGI when it runs this process and the service speaks HTTP, else the process itself."""
    return (uwsgi_host() if protocol == "http" else None) or Alone(protocol)
