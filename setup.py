"""Builds the C extension where there is a compiler; everything else stands in pyproject.toml."""

import os
from pathlib import Path

from setuptools import Extension, setup

CORE = Path("src/pie/_core")
FLAGS = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra"]
FLAGS += ["-Wno-unused-parameter", "-Wno-missing-field-initializers", "-Wno-cast-function-type"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g", "-O1"]

sanitize = bool(os.environ.get("PIE_SANITIZE"))
setup(
    ext_modules=[
        Extension(
            "pie._core._native",
            sources=sorted(str(file) for file in CORE.rglob("*.c")),
            depends=sorted(str(file) for file in CORE.rglob("*.h")),
            include_dirs=[str(CORE)],
            extra_compile_args=FLAGS + (SANITIZERS if sanitize else []),
            extra_link_args=SANITIZERS[:1] if sanitize else [],
            optional=True,
        )
    ]
)
