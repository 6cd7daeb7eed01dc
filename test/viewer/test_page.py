"""The whole way: the command as a process, a real browser, and what is drawn in its pixels."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.replay.bags.bag import Bag
from sam3d_ros.replay.bags.bag_frames import BagFrames
from sam3d_ros.replay.bags.result_bag import ResultBag
from sam3d_ros.replay.bags.topics import find_inputs
from sam3d_ros.tracking import SceneUpdate
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig
from sam3d_ros.training.synthetic.bag import write_sequence

SAM3D_ROS = (sys.executable, "-c", "import sys; from sam3d_ros.cli import main; sys.exit(main())")
CAMERA = PinholeCamera(320, 240, 304.0, 304.0, 159.5, 119.5)
PANEL = 420  # pixels at the right of the page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory, thing):
    """A filmed table, and one magenta box of 0.1 m that somebody found on it."""
    folder = tmp_path_factory.mktemp("page")
    write_sequence(folder / "scene.mcap", SequenceConfig(SceneConfig(seed=3, props=("can",)), camera=CAMERA, frames=2))
    with Bag(folder / "scene.mcap") as bag, ResultBag(folder / "results.mcap") as written:
        inputs = find_inputs(bag.topics, {})
        found = replace(thing, label=99, T_ref_obj=SE3(thing.T_ref_obj.quat_wxyz, np.array([0.0, 0.0, 0.05])))
        for messages in BagFrames(bag, inputs):
            update = SceneUpdate(messages.stamp_ns, (found,), (), (), final=True)
            written.write(update, "map", time_ns=messages.stamp_ns)
        written.copy_inputs(bag, inputs, until_ns=2**62)
    return folder / "results.mcap"


@pytest.fixture
def page(results, open_page) -> Iterator:
    """The command at work on the results, and its page in a browser."""
    process = subprocess.Popen(
        [*SAM3D_ROS, "view", str(results), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        # Tests that a shell started in the background have Ctrl-C ignored, and would hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        address = next(filter(None, (re.search(r"http://\S+", line) for line in process.stdout))).group()
        yield process, open_page(address)
    finally:
        process.kill()
        process.wait()


def _magenta(picture: np.ndarray) -> np.ndarray:
    """Which pixels of the scene have the box's hue, in light and in shade."""
    red, green, blue = picture[:, :-PANEL].astype(int).transpose(2, 0, 1)
    return (red > 120) & (blue > 100) & (green < 90) & (red > blue)


def _drawn(browser, seconds: int) -> np.ndarray:
    """The page once the box is in it and stays as it is."""
    for _ in range(seconds):
        before = _magenta(browser.picture())
        picture = browser.picture()
        if before.sum() > 200 and (before == _magenta(picture)).all():
            return picture
    raise AssertionError("the box was not drawn")


def test_a_browser_draws_the_object_in_its_place_and_colour_on_the_table(page):
    process, browser = page
    picture = _drawn(browser, 60)
    box = _magenta(picture)
    rows, columns = np.nonzero(box)
    height, width = picture.shape[:2]
    # The first viewpoint looks at the object, so it stands in the middle of the page.
    assert abs(np.median(rows) - height / 2) < 0.06 * height
    assert abs(np.median(columns) - width / 2) < 0.06 * width
    # Its brightest face has the colour of the vertices: neither washed out by light nor converted twice.
    brightest = np.percentile(picture[rows, columns].astype(int), 95, axis=0)
    assert brightest == pytest.approx([230, 20, 200], abs=25)
    # The table around it is there: brown points, and neither one colour nor an empty page.
    scene = picture[:, :-PANEL].astype(int)
    brown = (scene[..., 0] > scene[..., 2] + 25) & (scene[..., 1] > scene[..., 2]) & ~box
    assert brown.mean() > 0.03
    text = browser.evaluate("document.body.innerText")
    for words in ("results as recorded", "object_3", "mug", "0.72", "2 of 2"):
        assert words in text
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
