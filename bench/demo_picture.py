"""The picture of the README: a synthetic tabletop through the default model, every object from four sides.

    python bench/demo_picture.py [--seed 0] [--output docs/pictures/demo.webp]

The frame is the first one of the scene of that seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from completion_methods import BackendMethod
from frame_sheet import draw_sheet
from PIL import Image

from sam3d_ros.pipeline.backends import DEFAULT
from sam3d_ros.training.synthetic.scene import SceneConfig
from sam3d_ros.training.synthetic.sequence import SequenceConfig, film
from sam3d_ros.waiting_threads import wait_briefly

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "demo.webp"


def main() -> None:
    wait_briefly()  # as the node does
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the scene")
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    frame = next(film(SequenceConfig(scene=SceneConfig(seed=options.seed), frames=1))).frame
    labels = sorted(set(np.unique(frame.labels).tolist()) - {0})
    answers = BackendMethod(DEFAULT, DEFAULT).answer(frame, labels)
    Image.fromarray(draw_sheet(frame, answers)).save(options.output, quality=80)


if __name__ == "__main__":
    main()
