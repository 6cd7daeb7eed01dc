"""The worst answers of many, beside the truth: what the model card shows of where the model fails.

    python bench/failure_pictures.py [--scenes 12] [--worst 8] [--output docs/pictures/failures.webp]

Synthetic scenes of the demo's own objects through the shipped weights; the objects that come out worst, by Chamfer
distance as a share of the true diameter, each kind once. A row is the image around the mask, the answer from the
camera, the side, behind and above, and the truth likewise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from completion_methods import Answer, BackendMethod
from frame_sheet import TILE, VIEWS, Rgb, view_of
from PIL import Image, ImageDraw

from sam3d_ros.geometry.metrics import chamfer_distance
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.backends import DEFAULT
from sam3d_ros.replay.report.pictures.overlay import outlines_over
from sam3d_ros.training.synthetic.scene import SceneConfig
from sam3d_ros.training.synthetic.sequence import SequenceConfig, film
from sam3d_ros.waiting_threads import wait_briefly

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "failures.webp"
_POINTS = 10_000
_MARGIN = 0.25  # of the mask's box, around it


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """An answer beside the truth."""

    name: str
    frame: Frame
    answer: Answer
    truth: Answer
    chamfer: float  # m
    diameter: float  # m

    @property
    def badness(self) -> float:
        """Chamfer distance as a share of the diameter."""
        return self.chamfer / self.diameter


def main() -> None:
    wait_briefly()  # as the node does
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--worst", type=int, default=8)
    parser.add_argument("--seed", type=int, default=100, help="of the first scene")
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    worst: dict[str, Failure] = {}
    count = 0
    method = BackendMethod(DEFAULT, DEFAULT)
    for seed in range(options.seed, options.seed + options.scenes):
        for found in _answers(method, seed):
            count += 1
            if found.name not in worst or found.badness > worst[found.name].badness:
                worst[found.name] = found
    chosen = sorted(worst.values(), key=lambda found: -found.badness)[: options.worst]
    for found in chosen:
        print(f"{found.name}: {1e3 * found.chamfer:.1f} mm of {1e3 * found.diameter:.0f} mm")
    print(f"the worst {len(chosen)} of {count} objects")
    Image.fromarray(np.concatenate([_row(found) for found in chosen])).save(options.output, quality=80)


def _answers(method: BackendMethod, seed: int) -> Iterator[Failure]:
    """Every object of the first frame of a scene that has an answer."""
    shot = next(film(SequenceConfig(scene=SceneConfig(seed=seed), frames=1)))
    truths = {item.label: item for item in shot.truth if (shot.frame.labels == item.label).any()}
    for answer in method.answer(shot.frame, truths):
        item = truths[answer.label]
        true = item.mesh.transformed(item.T_cam_obj)
        up = tuple(float(value) for value in shot.T_world_cam.rotation[2])
        surface = sample_surface(true, _POINTS, 0).points
        if answer.mesh is None:
            print(f"{item.name}: rejected, {answer.rejected}")
            continue
        chamfer = chamfer_distance(sample_surface(answer.mesh, _POINTS, 0).points, surface)
        diameter = float(np.linalg.norm(np.ptp(surface, axis=0)))
        truth = Answer(answer.label, mesh=true, up=(up[0], up[1], up[2]))
        yield Failure(item.name, shot.frame, answer, truth, chamfer, diameter)


def _row(found: Failure) -> Rgb:
    answer = Answer(found.answer.label, mesh=found.answer.mesh, up=found.truth.up)
    tiles = [around_mask(found.frame, answer.label)]
    tiles += [view_of(one, turn, tilt) for one in (answer, found.truth) for _, turn, tilt in VIEWS]
    image = Image.fromarray(np.concatenate(tiles, axis=1))
    pen = ImageDraw.Draw(image)
    texts = [f"{found.name}, {1e3 * found.chamfer:.1f} mm"]
    texts += [f"{what}, {name}" for what in ("answer", "truth") for name, _, _ in VIEWS]
    for number, text in enumerate(texts):
        pen.text((4 + number * TILE, 2), text, fill=(0, 0, 0), stroke_width=2, stroke_fill=(255, 255, 255))
    return np.asarray(image)


def around_mask(frame: Frame, label: int) -> Rgb:
    """A square of the image with the mask's outline, as large as a tile."""
    mask = frame.labels == label
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    half = (0.5 + _MARGIN) * max(np.ptp(rows), np.ptp(columns))
    middle = ((rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2)
    outlined = Image.fromarray(outlines_over(frame.color, np.where(mask, label, 0)))
    box = (middle[1] - half, middle[0] - half, middle[1] + half, middle[0] + half)
    return np.asarray(outlined.transform((TILE, TILE), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))


if __name__ == "__main__":
    main()
