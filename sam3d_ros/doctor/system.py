"""Findings about the machine, Python and the libraries that need no ROS."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from .. import __version__
from ..pipeline.model_options import ModelOptions, OptionsError
from .finding import Finding, State
from .route import Route
from .trial import Trial

PYTHON_VERSIONS = ((3, 10), (3, 11), (3, 12))

# Shared libraries that Open3D loads, and the packages of Debian and Ubuntu with them.
OPEN3D_LIBRARIES = {
    "libusb-1.0.so.0": "libusb-1.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libgomp.so.1": "libgomp1",
    "libudev.so.1": "libudev1",
    "libidn2.so.0": "libidn2-0",
}

# Needed by the main job, by their names on PyPI.
CORE_PACKAGES = (
    "numpy",
    "scipy",
    "pillow",
    "PyYAML",
    "rosbags",
    "trimesh",
    "fast-simplification",
    "manifold3d",
    "scikit-image",
    "Jinja2",
    "matplotlib",
    "tqdm",
    "safetensors",
    "xatlas",
)
# Asked for by single commands, by their names on PyPI: the extra that brings each, and what it is for.
EXTRA_PACKAGES = {
    "viser": ("view", "`sam3d-ros view`"),
    "ray": ("ray", "`sam3d-ros evaluate --ray`"),
    "coacd": ("convex", "collision shapes of convex parts"),
    "lightning-fabric": ("train", "`sam3d-ros train`"),
}
GIB = 2**30


def machine_findings() -> Iterator[Finding]:
    """Operating system, processor, memory, Python and the package itself."""
    yield Finding("Machine", "system", State.OK, f"{_system_name()}, {platform.machine()}, {os.cpu_count()} cores")
    yield Finding(
        "Machine", "memory", State.OK, f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.1f} GiB"
    )
    yield python_finding(sys.version_info[:2])
    kind = "virtual environment" if sys.prefix != sys.base_prefix else "system"
    yield Finding("Machine", "interpreter", State.OK, f"{sys.executable} ({kind})")
    yield Finding("Machine", "sam3d_ros", State.OK, f"{__version__} in {Path(__file__).resolve().parents[1]}")


def python_finding(version: tuple[int, int]) -> Finding:
    """Whether this Python fits."""
    text = platform.python_version()
    if version in PYTHON_VERSIONS:
        return Finding("Machine", "Python", State.OK, text)
    remedy = "make setup PYTHON=/path/to/python3.11"
    return Finding("Machine", "Python", State.MISSING, f"{text}; 3.10, 3.11 or 3.12 is needed", remedy)


def open3d_findings(trial: Trial, route: Route) -> Iterator[Finding]:
    """Open3D and, when it does not import, the system libraries that are missing for it."""
    if trial.worked:
        yield Finding("Libraries", "open3d", State.OK, trial.answer["version"])
        return
    missing = tuple(name for name in OPEN3D_LIBRARIES if not _loads(name))
    remedy = route.pip("open3d")
    if missing and _version("open3d"):
        remedy = f"sudo apt-get install -y {' '.join(OPEN3D_LIBRARIES[name] for name in missing)}"
    yield Finding("Libraries", "open3d", State.MISSING, trial.error, remedy)
    for name in missing:
        remedy = f"sudo apt-get install -y {OPEN3D_LIBRARIES[name]}"
        yield Finding("Libraries", name, State.MISSING, "a system library of Open3D is missing", remedy)


def package_findings(route: Route) -> Iterator[Finding]:
    """The Python packages of the core, by their installed versions."""
    for name in CORE_PACKAGES:
        version = _version(name)
        if version:
            yield Finding("Libraries", name, State.OK, version)
        else:
            yield Finding("Libraries", name, State.MISSING, "not installed", route.pip(name))


def extra_package_findings(route: Route) -> Iterator[Finding]:
    """The Python packages of the extras."""
    for name, (extra, use) in EXTRA_PACKAGES.items():
        version = _version(name)
        if version:
            yield Finding("Optional", name, State.OK, f"{version}, for {use}")
        else:
            yield Finding(
                "Optional", name, State.OPTIONAL, f"not installed, for {use}", route.pip(f"'sam3d_ros[{extra}]'")
            )


def torch_findings(trial: Trial | None, route: Route) -> Iterator[Finding]:
    """torch, the device it would use and that device's memory; `trial` is None where torch is not installed."""
    group = "Model"
    if trial is None:
        detail = "not installed; only `backend: geometric` works without it"
        yield Finding(group, "torch", State.MISSING, detail, route.pip("torch"))
    elif not trial.worked:
        yield Finding(group, "torch", State.MISSING, trial.error, route.pip("--force-reinstall", "torch"))
    else:
        yield from _torch_device(trial.answer, group)
    yield weights_finding()


def weights_finding() -> Finding:
    """Whether the weights that the default backend loads came with the package."""
    try:
        folder = ModelOptions().checked_weights()
    except OptionsError as error:
        return Finding("Model", "weights", State.MISSING, str(error), "install the package again, from a full checkout")
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return Finding("Model", "weights", State.OK, f"of the package, {size / 1e6:.1f} MB")


def _torch_device(answer: dict[str, str], group: str) -> Iterator[Finding]:
    yield Finding(group, "torch", State.OK, answer["version"])
    yield Finding(group, "device", State.OK, answer["device"])
    if int(answer["total"]):
        memory = f"{int(answer['free']) / GIB:.1f} of {int(answer['total']) / GIB:.1f} GiB free (CUDA {answer['cuda']})"
        yield Finding(group, "CUDA memory", State.OK, memory)
    elif shutil.which("nvidia-smi"):
        detail = "an NVIDIA driver is installed, but this torch does not use it"
        yield Finding(group, "CUDA memory", State.OPTIONAL, detail, "https://pytorch.org/get-started/locally")
    else:
        yield Finding(group, "CUDA memory", State.OPTIONAL, "no CUDA device")


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
