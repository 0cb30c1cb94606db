"""The settings module of a Django project, looked at before Django loads it."""

import importlib
import os
import sys
from pathlib import Path

from pie.serve.reference import BadReference

_OTHER_MODULES = ("wsgi", "asgi", "urls", "manage", "apps")
"""What a project has beside its settings; the first two would load Django by themselves."""


def check_django_settings(project: str, folder: Path) -> None:
    """Import the settings module of a project.

    Args:
        project: its dotted name.
        folder: of the service's code, for the message.

    Raises:
        BadReference: there is no such module, or it holds no settings of Django. What the module
            itself raises passes through.
    """
    advice = f"write the settings module of the project: {_settings_near(project, folder)}"
    module, colon, _ = project.partition(":")
    if colon or not all(part.isidentifier() for part in module.split(".")):
        raise BadReference(f"{project!r} is no Django settings module; {advice}")
    if module.rpartition(".")[2] in _OTHER_MODULES:
        raise BadReference(f"{project!r} is not a Django settings module; {advice}")
    os.environ["DJANGO_SETTINGS_MODULE"] = project
    try:
        found = importlib.import_module(project)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{project}.".startswith(f"{error.name}."):
            raise
        first = project.partition(".")[0]
        shadow = getattr(sys.modules.get(first), "__file__", None)
        hint = f" ({first!r} is {shadow})" if shadow else ""
        raise BadReference(
            f"no Django settings {project!r} in {folder} or installed{hint}; {advice}"
        ) from None
    from django.conf import global_settings

    if not any(name.isupper() and hasattr(global_settings, name) for name in vars(found)):
        raise BadReference(
            f"{project!r} is {found.__file__ or 'a package'}, which holds no settings of Django; "
            f"{advice}"
        )


def _settings_near(project: str, folder: Path) -> str:
    """The settings modules in the folder; an example when there is none."""
    first = project.partition(":")[0].partition(".")[0]
    names = [path.parent.name for path in sorted(folder.glob("*/settings.py"))]
    if first in names:
        names = [first]
    return " or ".join(f"{name}.settings" for name in names) or "mysite.settings"
