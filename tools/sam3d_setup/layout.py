"""Where the set-up puts things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one checkout; everything that is made lies in `.venv` and `build`."""

    root: Path

    @property
    def venv(self) -> Path:
        """The virtual environment; on the PyPI route it is the ROS prefix as well."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.venv / "bin" / "python"

    @property
    def state(self) -> Path:
        """Stamps, CMake's folders and the remembered route: they belong to the environment, so they go with it."""
        return self.venv / "sam3d_setup"

    @property
    def messages(self) -> Path:
        """The generated Python classes of our own and of the stand-in message packages."""
        return self.venv / "lib" / "sam3d_ros_interfaces"

    @property
    def build(self) -> Path:
        """Logs of the steps, and the lock."""
        return self.root / "build" / "setup"

    def site_packages(self, python_version: tuple[int, int]) -> Path:
        """Where pip installs."""
        return self.venv / "lib" / "python{}.{}".format(*python_version) / "site-packages"
