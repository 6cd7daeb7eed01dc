"""SAM 3D Objects behind the pipeline's door: a frame and a label in, a metric mesh with its pose out."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import torch

from ...model.preprocess import PreprocessError
from ...model.structure import EmptyStructureError
from ...model.view_pose import LayoutError
from ..backend import CancelToken, Detail, ProgressCallback
from ..frame import Frame
from ..observation import observe
from ..result import Reconstruction, Rejection, RejectionReason
from ..stages import Stages
from .candidates import best_of, progress_of
from .chain import Chain
from .completion import Completion, stage_shares
from .decoding import NoShapeError
from .frames import PreparedFrame
from .loading import load_chain
from .memory import give_back, limit_device, memory_errors
from .settings import Sam3dSettings
from .view_completion import ViewCompletion, view_stages
from .view_frames import ViewFrame
from .warm_up import LABEL, bump_frame

Prepared: TypeAlias = PreparedFrame | ViewFrame


class Sam3dBackend:
    """Both stages of SAM 3D Objects and its decoders; size and pose are settled against the robot's own depth."""

    name = "sam3d"

    def __init__(self, settings: Sam3dSettings) -> None:
        self.settings = settings
        self._chain: Chain | None = None

    @property
    def device(self) -> str:
        """Where the model computes."""
        return self.settings.options.device

    def load(self) -> None:
        """Read the weights, as many parts as may stay in memory, and warm a GPU up.

        Raises OptionsError that says what is wrong with weights or device.
        """
        with memory_errors():
            self._chain = load_chain(self.settings)
        if self._chain.device.type == "cuda" and self._chain.residency.fits:
            self.warm_up()

    def warm_up(self) -> None:
        """Send an object of no meaning through the model, one step in each stage."""
        chain = self._loaded()
        first, second = (replace(sampler, steps=1) for sampler in chain.samplers)
        quick = replace(chain, samplers=(first, second))
        self._answer(quick, self.prepare(bump_frame()), LABEL, progress=lambda _: None, cancel=CancelToken())

    def prepare(self, frame: Frame) -> Prepared:
        """Bring a frame to the device; the tokens of its full image follow when the first mask needs them."""
        chain = self._loaded()
        kind = PreparedFrame if chain.config.frame == "canonical" else ViewFrame
        with torch.inference_mode(), memory_errors():
            return kind.of(frame, chain.device)

    def reconstruct(
        self, prepared: Prepared, label: int, *, detail: Detail, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction | Rejection:
        """One object; the stages are those of `stage_shares`, or `view_stages` for shapes along the view.

        The published model reports a coarse answer on the way; shapes along the view are finished about as soon.
        At Detail.LOW no part of the model is held but the one in use, and a shape of many voxels is refined at half the
        resolution.
        """
        chain = self._chain_of(detail)
        try:
            return self._answer(chain, prepared, label, progress=progress, cancel=cancel)
        finally:
            if self.settings.options.memory_limit_mib:
                give_back(chain.device)

    def drop_caches(self) -> None:
        """Release all parts of the model; the next object loads them again, each for its turn."""
        if self._chain is not None:
            self._chain.residency.release()
            give_back(self._chain.device)

    def unload(self) -> None:
        """Free the model."""
        self.drop_caches()
        if self._chain is not None:
            limit_device(self._chain.device, 0)
        self._chain = None

    def _answer(
        self, chain: Chain, prepared: Prepared, label: int, *, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction | Rejection:
        count, answers = self.settings.options.candidates, list[Reconstruction | Rejection]()
        for number in range(count):
            heard = progress_of(number, count, progress)
            stages = Stages(label, self._shares(chain), progress=heard, cancel=cancel, finish_work=chain.finish_work)
            with stages.run("observe"):
                observation = observe(prepared.frame, label, self.settings.prepare)
            if isinstance(observation, Rejection):
                return observation
            settings = replace(self.settings, seed=self.settings.seed + number)
            if isinstance(prepared, ViewFrame):
                answers.append(self._complete(ViewCompletion(chain, settings, prepared, observation, stages)))
            else:
                answers.append(self._complete(Completion(chain, settings, prepared, observation, stages)))
        return best_of(answers)

    def _complete(self, completion: Completion | ViewCompletion) -> Reconstruction | Rejection:
        label = completion.observation.label
        try:
            with torch.inference_mode(), memory_errors():
                return completion.run()
        except PreprocessError as error:
            return Rejection(label, RejectionReason.MASK_TOO_SMALL, str(error))
        except (EmptyStructureError, NoShapeError, LayoutError) as error:
            return Rejection(label, RejectionReason.EMPTY_SHAPE, str(error))

    def _shares(self, chain: Chain) -> dict[str, float]:
        options = self.settings.options
        return stage_shares(options) if chain.config.frame == "canonical" else view_stages(options)

    def _chain_of(self, detail: Detail) -> Chain:
        chain = self._loaded()
        if detail is Detail.FULL:
            return chain
        return replace(chain, alone=True, max_voxels=chain.max_voxels // self.settings.low_detail_divisor)

    def _loaded(self) -> Chain:
        if self._chain is None:
            raise RuntimeError("the sam3d backend is not loaded; call load first")
        return self._chain
