"""Make the virtual environment, or say what is missing. Runs on any Python 3."""

import os
import subprocess
import sys


def main():
    target = sys.argv[1]
    if sys.version_info < (3, 11):
        found = "%d.%d" % sys.version_info[:2]
        return (
            "Pie needs Python 3.11 or newer; %s is %s.\n"
            "Name another one: make PYTHON=python3.12 demo" % (sys.executable, found)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "%s cannot make virtual environments: its venv module is not installed.\n"
            "On Debian and Ubuntu: apt install python%d.%d-venv"
            % ((sys.executable,) + tuple(sys.version_info[:2]))
        )
    print("making a virtual environment in %s" % target, flush=True)
    code = subprocess.call([sys.executable, "-m", "venv", "--clear", target])
    if code:
        return "making %s failed, see above: is %s writable, is the disk full?" % (
            target,
            os.getcwd(),
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
