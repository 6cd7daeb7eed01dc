"""Files that make the environment known: to Python on the distribution's route, to a shell on the PyPI route."""

from __future__ import annotations

from pathlib import Path

# Written under the names that ROS users and colcon's own overlays source.
_NAMES = ("setup.sh", "setup.bash", "setup.zsh", "local_setup.sh", "local_setup.bash", "local_setup.zsh")

_SCRIPT = """\
# Source this file to use the environment as a ROS 2 prefix, as with /opt/ros/<distribution>/setup.sh:
# afterwards colcon, CMake and Python find ROS 2 here. Made by the set-up of sam3d_ros.
_sam3d_ros_prepend() {{
  eval "_sam3d_ros_old=\\${{$1:-}}"
  case ":$_sam3d_ros_old:" in
    *":$2:"*) ;;
    *) eval "export $1=\\"\\$2\\${{_sam3d_ros_old:+:\\$_sam3d_ros_old}}\\"" ;;
  esac
  unset _sam3d_ros_old
}}
_sam3d_ros_prepend PATH {venv}/bin
_sam3d_ros_prepend AMENT_PREFIX_PATH {venv}
_sam3d_ros_prepend CMAKE_PREFIX_PATH {venv}
_sam3d_ros_prepend LD_LIBRARY_PATH {venv}/lib
export ROS_VERSION=2 ROS_PYTHON_VERSION=3
unset -f _sam3d_ros_prepend
"""


def distribution_module() -> str:
    """Text of the module that finds an unsourced distribution."""
    return (Path(__file__).parent / "distribution_module.py").read_text()


def prefix_scripts(venv: Path) -> dict[str, str]:
    """File name -> text of the scripts to source, for sh, bash and zsh."""
    quoted = "'" + str(venv).replace("'", "'\\''") + "'"
    return dict.fromkeys(_NAMES, _SCRIPT.format(venv=quoted))
