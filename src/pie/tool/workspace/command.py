"""``pie init`` and ``pie update``: the workspace in which services are written and run."""

import shlex
import sys
from pathlib import Path

import click

from pie.serve.workspace import MARKER, PLATFORM_URL, workspace_around
from pie.tool.terminal.words import word
from pie.tool.workspace.layout import (
    Config,
    Repository,
    check_platform,
    check_product,
    check_repositories,
    read_config,
)
from pie.tool.workspace.repositories import Outcome
from pie.tool.workspace.setup import make_workspace

_git_timeout = click.option(
    "--git-timeout",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    help="Seconds that one git command may take.",
)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--product", help="First part of the PSMs of this workspace; the folder's name if not given."
)
@click.option("--platform", "url", help=f"Address of the platform.  [default: {PLATFORM_URL}]")
@click.option(
    "--repository",
    "repositories",
    metavar="URL=PATH",
    multiple=True,
    help="A git repository to bring, and where to, e.g. git@host:team/conf.git=conf. Repeatable. "
    "One without access is skipped; `optional: false` in runtime/workspace.yml makes it required.",
)
@_git_timeout
def init(
    directory: Path,
    product: str | None,
    url: str | None,
    repositories: tuple[str, ...],
    git_timeout: float,
) -> None:
    """Make a workspace: the runtime root, in which pietool generates and services run.

    \b
    pie init toutiao
    pie init work --product toutiao --repository git@host:toutiao/conf.git=conf

    It may be repeated; what is there is kept. `pie update` renews it later.
    """
    root = directory.expanduser().resolve()
    if root.exists() and not root.is_dir():
        raise click.ClickException(f"{root} is a file: choose another folder")
    given = [_repository(text) for text in repositories]
    if (root / MARKER).is_file():
        config = read_config(root)
        _check_same(root, config, product, url, given)
    else:
        outer = workspace_around(root)
        if outer is not None:
            raise click.ClickException(
                f"{root} lies inside the workspace {outer}: choose a folder outside of it"
            )
        config = Config(
            product=_product(root, product), platform=url or PLATFORM_URL, repositories=given
        )
        check_platform(config.platform)
        check_repositories(root, given)
    _run(root, config, git_timeout)


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@_git_timeout
def update(directory: Path | None, git_timeout: float) -> None:
    """Renew a workspace: its scripts, folders and repositories.

    Run it in or below a workspace, or name one. What you edited is kept. The scripts in runtime/
    will use the Python that runs this command.
    """
    start = (directory or Path()).expanduser().resolve()
    root = workspace_around(start)
    if root is None:
        raise click.ClickException(
            f"{start} is no workspace: there is no {MARKER} in it or above; "
            f"make one with `pie init {shlex.quote(str(directory or 'DIR'))}`"
        )
    _run(root, read_config(root), git_timeout)


def _run(root: Path, config: Config, seconds: float) -> None:
    click.echo(f"workspace {root} (product {config.product}, platform {config.platform})")
    problems = make_workspace(root, config, seconds)
    _say_problems(problems)
    click.echo(
        f"\n{word('next')}\n"
        f"  cd {shlex.quote(str(root))} && . runtime/env.sh\n"
        f"  pietool --type flask --psm {config.product}.my.api --prefix my/api\n"
        "  pie up"
    )
    if any(not outcome.repository.optional for outcome in problems):
        sys.exit(1)


def _say_problems(problems: list[Outcome]) -> None:
    if problems:
        click.echo(f"\n{word('skipped list')}")
    for outcome in problems:
        each = outcome.repository
        kind = "" if each.optional else " (required)"
        click.echo(f"  {each.path}{kind}  {each.url}: {outcome.problem}")


def _repository(text: str) -> Repository:
    url, _, path = text.rpartition("=")
    if not url or not path:
        raise click.ClickException(
            f"--repository {text!r}: write URL=PATH, e.g. git@host:toutiao/conf.git=conf"
        )
    return Repository(url=url, path=path)


def _product(root: Path, given: str | None) -> str:
    product = root.name if given is None else given
    try:
        check_product(product)
    except click.ClickException as error:
        hint = "" if given is not None else ": give --product NAME"
        raise click.ClickException(f"{error.message}{hint}") from None
    return product


def _check_same(
    root: Path, config: Config, product: str | None, url: str | None, given: list[Repository]
) -> None:
    """The error for an option that contradicts the existing workspace."""
    known = {(each.url, each.path) for each in config.repositories}
    new = [each for each in given if (each.url, each.path) not in known]
    wrong = [
        f"--product {product}" if product not in (None, config.product) else "",
        f"--platform {url}" if url not in (None, config.platform) else "",
        f"--repository {new[0].url}={new[0].path}" if new else "",
    ]
    for option in filter(None, wrong):
        raise click.ClickException(
            f"{root} is a workspace already: instead of {option}, edit {root / MARKER} "
            "and run `pie update`"
        )
