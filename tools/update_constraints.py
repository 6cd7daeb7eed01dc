#!/usr/bin/env python3
"""Pin anew the versions that the set-up installs: run it with an interpreter of each Python version.

    python3 tools/update_constraints.py python3.10 python3.11 python3.12

Each interpreter needs pip; nothing is installed, pip only says what it would choose. Writes `constraints.txt` (ROS 2
from PyPI) and `constraints-numpy1.txt` (ROS 2 distributions whose compiled packages were built for NumPy 1).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
# colcon's Python build reads options that setuptools 80 took away.
INSTALLER = ("pip==26.3", "setuptools==79.0.1", "wheel")
# The pytest plugins of launch_testing in Humble and Jazzy use hooks that pytest 8 and 9 changed.
NUMPY_1 = ("numpy<2", "pytest<8")
# torch itself names the versions of its CUDA libraries; a build for the CPU has none.
TORCH_PARTS = ("cuda-", "nvidia-", "triton")

Pins = dict[str, dict[str, str]]  # package -> Python version -> package version


def resolve(interpreter: str, requirements: list[str]) -> tuple[str, dict[str, str]]:
    """The interpreter's version and what its pip would install, by package."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["--dry-run", "--quiet", "--ignore-installed", "--prefer-binary", "--report", str(report)]
        subprocess.run([interpreter, "-m", "pip", "install", *options, *INSTALLER, *requirements], check=True)
        content = json.loads(report.read_text())
    chosen = {entry["metadata"]["name"]: entry["metadata"]["version"] for entry in content["install"]}
    ours = {"sam3d_ros"} | {name for name in chosen if name.startswith(TORCH_PARTS)}
    return content["environment"]["python_version"], {name: chosen[name] for name in chosen.keys() - ours}


def write(path: Path, title: str, pins: Pins, versions: list[str]) -> None:
    """One line per package where all Python versions agree, else one per version with a marker."""
    lines = [f"# {title}", "# Made by update_constraints.py."]
    for name in sorted(pins, key=str.lower):
        chosen = pins[name]
        if set(chosen) == set(versions) and len(set(chosen.values())) == 1:
            lines.append(f"{name}=={chosen[versions[0]]}")
        else:
            lines += [f'{name}=={chosen[version]} ; python_version == "{version}"' for version in sorted(chosen)]
    path.write_text("\n".join(lines) + "\n")


def main(interpreters: list[str]) -> None:
    """Resolve both sets with every interpreter and write the two files."""
    ours = [f"{TOOLS.parent}[dev]"]
    sets = {
        "constraints.txt": ("Versions with ROS 2 from PyPI.", ["-r", str(TOOLS / "requirements-ros.txt"), *ours]),
        "constraints-numpy1.txt": ("Versions beside a ROS 2 distribution with NumPy 1.", [*NUMPY_1, *ours]),
    }
    for file, (title, requirements) in sets.items():
        pins: Pins = defaultdict(dict)
        versions = []
        for interpreter in interpreters:
            version, chosen = resolve(interpreter, requirements)
            versions.append(version)
            if requirements[0] in NUMPY_1:
                # Robots with such a distribution may have the vendor's own torch, which a pin would replace.
                chosen.pop("torch", None)
            for name, package_version in chosen.items():
                pins[name][version] = package_version
        write(TOOLS / file, title, pins, versions)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    main(sys.argv[1:])
