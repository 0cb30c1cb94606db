"""The manifest of generated files: their hashes show which of them a person has edited."""

import hashlib
from pathlib import Path

import click
import msgspec

VERSION = 1


class Module(msgspec.Struct, kw_only=True):
    """A generated module of ``pyrpc``: the IDL file it stands for, and which IDLs need it."""

    source: str
    wanted_by: list[str] = []


class Manifest(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The hashes of generated files by their paths from the root; ``type``, ``psm``, ``idl`` and
    ``service`` are those of a prefix, and empty for one that holds clients only."""

    version: int = VERSION
    type: str = ""
    psm: str = ""
    idl: str = ""
    service: str = ""
    files: dict[str, str] = {}
    pyrpc: dict[str, Module] = {}

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest; an empty one when there is none.

        Raises:
            click.ClickException: it cannot be read, or a newer pietool wrote it.
        """
        try:
            found = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls()
        except (OSError, msgspec.DecodeError) as error:
            raise click.ClickException(
                f"{path} cannot be read: {error}\n"
                "Restore it, or remove it: then every file that exists counts as edited by you."
            ) from None
        if found.version > VERSION:
            raise click.ClickException(f"{path} was written by a newer pietool: upgrade Pie")
        return found

    def text(self) -> str:
        """The JSON as written to disk: in a stable order, meant to be committed."""
        self.files = dict(sorted(self.files.items()))
        self.pyrpc = dict(sorted(self.pyrpc.items()))
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


def hash_of(content: bytes) -> str:
    """The hash that a manifest keeps of a file."""
    return hashlib.sha256(content).hexdigest()
