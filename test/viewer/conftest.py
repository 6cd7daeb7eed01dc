"""Fixtures of the viewer tests: scenes made by hand, a viser server, and a browser without a window."""

from __future__ import annotations

import base64
import io
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.pipeline import Detection, Quality, Rejection
from sam3d_ros.tracking import ObjectState, SceneObject, SceneUpdate
from sam3d_ros.viewer.shown import CameraView, ShownFrame

MAGENTA = (230, 20, 200)
SOFTWARE_WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def box() -> Callable[..., Mesh]:
    """Makes a box around the origin: three edges in metres, one colour."""

    def make(extents: tuple[float, float, float] = (0.1, 0.1, 0.1), color: tuple[int, int, int] = MAGENTA) -> Mesh:
        import open3d as o3d

        shape = o3d.geometry.TriangleMesh.create_box(*extents).translate(-np.array(extents) / 2)
        vertices = np.asarray(shape.vertices, np.float32)
        return Mesh(vertices, np.asarray(shape.triangles), np.tile(np.array(color, np.uint8), (len(vertices), 1)))

    return make


@pytest.fixture(scope="session")
def thing(box: Callable[..., Mesh]) -> SceneObject:
    """A complete box of class mug with id 3 and label 5, at 1, 2, 3 m, turned a quarter about z."""
    turned = SE3(np.array([np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]), np.array([1.0, 2.0, 3.0]))
    return SceneObject(
        object_id=3,
        label=5,
        detection=Detection("mug", 0.9),
        state=ObjectState.COMPLETE,
        mesh=box(),
        mesh_version=1,
        T_ref_obj=turned,
        covariance=np.eye(6),
        scale=0.1,
        quality=Quality(0.001, 0.9, 0.8, 0.0, 100),
        stamp_ns=10,
        latency_ms={"total": 40.0},
    )


@pytest.fixture(scope="session")
def shown() -> Callable[..., ShownFrame]:
    """Makes a frame in `map` of some objects."""

    def make(
        *objects: SceneObject,
        stamp_ns: int = 10,
        frame_id: str = "map",
        rejections: tuple[Rejection, ...] = (),
        view: CameraView | None = None,
    ) -> ShownFrame:
        update = SceneUpdate(stamp_ns, objects, rejections, (), final=True)
        names = {item.object_id: f"object_{item.object_id}" for item in objects}
        return ShownFrame(stamp_ns, frame_id, "optical" in frame_id, update, view, names)

    return make


@pytest.fixture(scope="session")
def changed() -> Callable[..., Any]:
    """dataclasses.replace, for objects and frames."""
    return replace


@pytest.fixture
def server() -> Iterator[Any]:
    """A viser server on a free port."""
    pytest.importorskip("viser", reason="viser is not installed: pip install 'sam3d_ros[view]'")
    from sam3d_ros.viewer.server import serve

    with serve("127.0.0.1", 0) as running:
        yield running


class Browser:
    """A page in a browser without a window, steered by the DevTools protocol."""

    def __init__(self, program: str, profile: Path, address: str) -> None:
        options = ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=1200,800", *SOFTWARE_WEBGL)
        self._process = subprocess.Popen(
            [program, *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", address],
            stderr=subprocess.DEVNULL,
        )
        self._numbers = itertools.count(1)
        try:
            self._socket = self._connect(profile / "DevToolsActivePort")
        except BaseException:
            self.close()
            raise

    def picture(self) -> np.ndarray:
        """The page as it is drawn, [H, W, 3]."""
        data = self._call("Page.captureScreenshot", format="png")["data"]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return self._call("Runtime.evaluate", expression=expression)["result"].get("value")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _connect(self, port_file: Path) -> Any:
        # viser brings this package.
        from websockets.sync.client import connect

        until(port_file.is_file, 60, "the browser's port")
        port = until(lambda: port_file.read_text().split("\n")[0], 10, "the browser's port")
        pages = until(lambda: _pages(port), 30, "a page in the browser")
        return connect(pages[0]["webSocketDebuggerUrl"], max_size=None, ping_interval=None)

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == number:
                return answer["result"]


def _pages(port: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
        return [target for target in json.load(answer) if target["type"] == "page"]


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The value of the condition once it is true; fails after the time."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.2)
    return value


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Callable[[str], Browser]]:
    """Opens an address in a browser; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser ({', '.join(BROWSERS)}): apt-get install chromium")
    pytest.importorskip("viser", reason="viser is not installed: pip install 'sam3d_ros[view]'")
    open_ones: list[Browser] = []

    def open_one(address: str) -> Browser:
        open_ones.append(Browser(program, tmp_path / f"profile{len(open_ones)}", address))
        return open_ones[-1]

    yield open_one
    for browser in open_ones:
        browser.close()
