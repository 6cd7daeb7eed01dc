"""Try imports in processes of their own: a broken library may end a process, and may take long."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

TIME_LIMIT_S = 120.0

# What each trial prints is a JSON object of texts.
CODE = {
    "open3d": "import open3d; answer = {'version': open3d.__version__}",
    "rclpy": (
        "import rclpy; from rclpy.utilities import get_rmw_implementation_identifier as name;answer = {'rmw': name()}"
    ),
    "sam3d_ros messages": (
        "import sam3d_ros.msg as m; from rclpy.type_support import check_for_type_support as check;"
        "check(m.ReconstructedObjectArray); answer = {'from': m.__file__}"
    ),
    "tf2_msgs": (
        "import tf2_msgs.msg as m; from rclpy.type_support import check_for_type_support as check;"
        "check(m.TFMessage); answer = {'from': m.__file__}"
    ),
    "vision_msgs": (
        "import vision_msgs.msg as m; from rclpy.type_support import check_for_type_support as check;"
        "check(m.Detection3DArray); answer = {'from': m.__file__}"
    ),
    "torch": (
        "import torch; cuda = torch.cuda.is_available();"
        "free, total = torch.cuda.mem_get_info() if cuda else (0, 0);"
        "answer = {'version': torch.__version__, 'device': torch.cuda.get_device_name(0) if cuda else 'cpu',"
        "'cuda': str(torch.version.cuda), 'free': str(free), 'total': str(total)}"
    ),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """How an import ended: what it told, or why it failed."""

    answer: dict[str, str]
    error: str = ""

    @property
    def worked(self) -> bool:
        """Whether the import went through."""
        return not self.error


def try_all(names: tuple[str, ...]) -> dict[str, Trial]:
    """Run the trials of these names side by side."""
    processes = {name: _start(CODE[name]) for name in names}
    return {name: _finish(process) for name, process in processes.items()}


def _start(code: str) -> subprocess.Popen[str]:
    wrapped = f"{code}\nimport json\nprint('\\n' + json.dumps(answer))"
    command = [sys.executable, "-c", wrapped]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")


def _finish(process: subprocess.Popen[str]) -> Trial:
    try:
        output, errors = process.communicate(timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Trial({}, f"did not finish within {TIME_LIMIT_S:.0f} s")
    if process.returncode < 0:
        return Trial({}, f"the process was ended by signal {-process.returncode}")
    if process.returncode:
        lines = [line for line in errors.splitlines() if line.strip()]
        return Trial({}, lines[-1] if lines else f"ended with status {process.returncode}")
    answer: dict[str, str] = json.loads(output.splitlines()[-1])
    return Trial(answer)
