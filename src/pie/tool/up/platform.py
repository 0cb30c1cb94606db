"""``pie platform``: the registry, the store of facts and the web pages."""

from pathlib import Path

import click

from pie.serve.extras import require
from pie.serve.workspace import PLATFORM_PORT


@click.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("platform"),
    show_default=True,
    help="Where the platform keeps everything; made at the first start.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PLATFORM_PORT, show_default=True)
@click.option(
    "--state",
    envvar="PIE_STATE",
    default="embedded",
    show_default=True,
    metavar="embedded|etcd://HOST:PORT,...",
    help="Where desired state is: in the directory, or in an etcd cluster [env: PIE_STATE].",
)
def platform(directory: Path, host: str, port: int, state: str) -> None:
    """Run the platform: the registry, the store of facts and the web pages."""
    require("platform")
    from pie.platform.main import PlatformError, run_platform

    try:
        run_platform(directory, host=host, port=port, state=state)
    except PlatformError as error:
        raise click.ClickException(str(error)) from None
