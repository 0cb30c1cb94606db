"""The instance and the run-time description that a service registers."""

import os
import platform
import shlex
import sys
import time
from typing import Literal

import pie
from pie.serve.process import Process
from pie.serve.settings.loading import Loaded
from pie.serve.settings.masking import masked_url
from pie.state import Instance, RuntimeDescription

_LONGEST_COMMAND = 2000


def instance_of(process: Process, protocol: Literal["http", "thrift"], *, debug: str) -> Instance:
    """The registry's entry of this process: where it can be called."""
    who = process.identity
    return Instance(
        psm=who.psm,
        cluster=who.cluster,
        env=who.env,
        id=who.instance,
        host=process.endpoint,
        port=process.port,
        protocol=protocol,
        transport="http" if protocol == "http" else "ttheader",
        pid=os.getpid(),
        version=process.settings.VERSION,
        started=time.time(),
        debug=debug,
        idc=who.idc,
        tags=process.settings.TAGS,
        weight=process.settings.WEIGHT,
    )


def describe_process(
    process: Process, loaded: Loaded, *, server: str, threads: int, workers: int, debug: str
) -> RuntimeDescription:
    """Describe how the process runs. ``threads`` 0 = one for each connection."""
    who = process.identity
    command = shlex.join(masked_url(each) for each in sys.orig_argv)
    return RuntimeDescription(
        psm=who.psm,
        id=who.instance,
        cluster=who.cluster,
        pid=os.getpid(),
        workers=workers,
        threads=threads,
        debug=debug,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        pie=pie.__version__,
        server=server,
        command=command[:_LONGEST_COMMAND],
        settings=loaded.described(),
    )
