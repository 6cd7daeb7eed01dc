"""The places that say the same thing about the package agree."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import sam3d_ros

ROOT = Path(__file__).resolve().parents[2]
CMAKE = (ROOT / "CMakeLists.txt").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
# PyPI name -> rosdep key, for those that have one.
ROSDEP_KEYS = {
    "jinja2": "python3-jinja2",
    "matplotlib": "python3-matplotlib",
    "numpy": "python3-numpy",
    "open3d": "python3-open3d-pip",
    "pillow": "python3-pil",
    "pyyaml": "python3-yaml",
    "rosbags": "python3-rosbags-pip",
    "scikit-image": "python3-skimage",
    "scipy": "python3-scipy",
    "tqdm": "python3-tqdm",
    "trimesh": "python3-trimesh-pip",
}


def python_dependencies() -> list[str]:
    block = re.search(r"^dependencies = \[(.*?)\]", PYPROJECT, flags=re.MULTILINE | re.DOTALL).group(1)
    return re.findall(r'"([\w-]+)', block)


def declared(*tags: str) -> set[str]:
    return {element.text for tag in tags for element in MANIFEST.findall(tag)}


def test_the_version_is_the_same_everywhere():
    in_pyproject = re.search(r'^version = "(.*)"', PYPROJECT, flags=re.MULTILINE).group(1)
    assert MANIFEST.findtext("version") == in_pyproject == sam3d_ros.__version__


def test_every_interface_file_is_built():
    files = {f"{kind}/{path.name}" for kind in ("msg", "srv", "action") for path in (ROOT / kind).iterdir()}
    assert files == set(re.findall(r'"((?:msg|srv|action)/\w+\.\w+)"', CMAKE))


def test_every_python_dependency_has_its_rosdep_key_or_is_told_in_the_installation_guide():
    guide = (ROOT / "docs" / "installation.md").read_text()
    for name in python_dependencies():
        key = ROSDEP_KEYS.get(name.lower())
        assert key in declared("exec_depend", "depend") if key else name in guide, name


def test_every_ros_package_that_the_code_imports_is_declared():
    sources = [*(ROOT / "sam3d_ros").rglob("*.py"), *(ROOT / "launch").glob("*.py")]
    pattern = re.compile(
        r"^\s*(?:from|import) (\w+_msgs|\w+_srvs|rclpy|tf2_ros|message_filters|diagnostic_updater|launch\w*"
        r"|builtin_interfaces|rcl_interfaces|ament_index_python)\b",
        flags=re.MULTILINE,
    )
    imported = {name for path in sources for name in pattern.findall(path.read_text())}
    # Used where it is installed, by intent.
    assert imported - {"moveit_msgs"} <= declared("depend", "exec_depend")


def test_every_executable_that_cmake_installs_has_its_main():
    modules = re.findall(r"^\s*sam3d_ros_executable\(\S+ ([\w.]+)\)", CMAKE, flags=re.MULTILINE)
    assert {"sam3d_ros.node.main", "sam3d_ros.node.tabletop_main", "sam3d_ros.cli"} <= set(modules)
    for module in modules:
        path = ROOT.joinpath(*module.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert re.search(r"^def main\(", source.read_text(), flags=re.MULTILINE), module


def test_the_stand_in_packages_carry_the_licence_of_the_published_ones():
    licences = {
        path.parent.name: ElementTree.parse(path).getroot().findtext("license")
        for path in (ROOT / "interfaces").glob("*/package.xml")
    }
    assert licences == {"tf2_msgs": "BSD-3-Clause", "vision_msgs": "Apache-2.0"}
