"""What SAM 3D costs on the device at hand, stage by stage: time and peak memory, beside the plain way of doing it.

Random weights at the published widths and resolutions. The savings are those that leave every number as it is: keys and
values of the condition once per object instead of at each step, the unconditional pass without attention to zeros,
tokens of the full image once per frame, convolutions by pairs of neighbours, the surface without a dense grid. `plain`
does without them, in the same run; a stage without an alternative has none. Each figure comes from a process of its
own; memory is what the stage takes beyond its weights.

    python bench/bench_model.py                     # on a GPU: all 24 and 12 blocks; without one: 1 block of each
    python bench/bench_model.py --depth 2 --voxels 8000 --guided-steps 4

With fewer blocks the figures are those of a shallower network: they compare the two ways, and are no forecast.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor, nn

from sam3d_ros.model.config import (
    STAGE1_DISTILLED,
    STAGE1_SAMPLER,
    STAGE2_FEW_STEPS,
    STAGE2_SAMPLER,
    Sam3dConfig,
    SamplerConfig,
)
from sam3d_ros.model.sampling import draw_latents, draw_voxel_noise, integrate
from sam3d_ros.model.sparse import SparseTensor, Voxels
from sam3d_ros.model.structure import fit_voxels, geometry_velocity, latent_sizes, occupied_voxels, prune_interior
from sam3d_ros.model.surface import extract_surface, surface_of_sdf
from sam3d_ros.model.weights.parts import build_empty

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured, and on what."""

    device: str
    dtype: str
    depth: int | None  # blocks of every transformer; None: as published
    voxels: int
    guided_steps: int
    repeats: int

    @property
    def config(self) -> Sam3dConfig:
        """The published sizes, with fewer blocks where that is asked for."""
        config = Sam3dConfig()
        if self.depth is None:
            return config
        first, second, mesh = config.stage1_embedder, config.stage2_embedder, config.mesh
        gaussians = config.gaussians
        return replace(
            config,
            stage1_embedder=replace(first, vit=replace(first.vit, depth=self.depth)),
            geometry=replace(config.geometry, depth=self.depth),
            stage2_embedder=replace(second, vit=replace(second.vit, depth=self.depth)),
            refinement=replace(config.refinement, depth=self.depth),
            mesh=replace(mesh, trunk=replace(mesh.trunk, depth=self.depth)),
            gaussians=replace(gaussians, trunk=replace(gaussians.trunk, depth=self.depth)),
        )

    def guided(self, sampler: SamplerConfig) -> SamplerConfig:
        return replace(sampler, steps=self.guided_steps)

    def module(self, part: str) -> nn.Module:
        """The part with random weights, on the device, in the dtype."""
        torch.manual_seed(0)
        module = build_empty(part, self.config, getattr(torch, self.dtype)).to_empty(device=self.device)
        with torch.no_grad():
            for tensor in module.state_dict().values():
                fan_in = max(1, tensor[0].numel()) if tensor.ndim > 1 else 2500
                tensor.normal_(std=fan_in**-0.5)
        return module

    def random(self, *shape: int) -> Tensor:
        return torch.randn(*shape, device=self.device)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one way: the median of the repeats, and the highest mark of memory beyond what was there before."""

    seconds: float
    peak_mib: float


Work = Callable[[], object]
Way = Callable[[Setting], Work]  # prepares; what it returns is measured


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the chain, done with the savings and without them."""

    name: str
    saving: Way
    plain: Way | None = None


def embedding(part: str, *, shared: bool) -> Way:
    """Condition tokens of one object: all inputs, or all but the full image, whose tokens an earlier mask brought."""

    def prepare(setting: Setting) -> Work:
        embedder = setting.module(part)
        size = getattr(setting.config, part).vit.image_size
        inputs = {
            name: setting.random(1, 1 if name.endswith("mask") else 3, size, size).clamp(0, 1)
            for name in embedder.inputs
        }
        known = {"rgb_image": embedder.embed("rgb_image", inputs["rgb_image"])} if shared else {}

        def work() -> Tensor:
            own = {name: embedder.embed(name, value) for name, value in inputs.items() if name not in known}
            return embedder.fuse(own | known)

        return work

    return prepare


def geometry(sampler: Callable[[Setting], SamplerConfig], *, saving: bool) -> Way:
    """Stage 1: shape and layout from noise under 7528 condition tokens."""

    def prepare(setting: Setting) -> Work:
        network = setting.module("geometry")
        config = setting.config
        tokens = setting.random(1, 7528, config.geometry.condition_width)
        generator = torch.Generator(setting.device).manual_seed(0)
        noise = draw_latents(latent_sizes(config.geometry), [generator], device=torch.device(setting.device))

        def work() -> object:
            condition = network.project(tokens) if saving else None

            def velocity(
                state: Mapping[str, Tensor], when: Tensor, step_size: Tensor, conditional: bool
            ) -> Mapping[str, Tensor]:
                if saving:
                    return network(state, when, condition if conditional else None, step_size)
                return network(state, when, network.project(tokens if conditional else tokens * 0), step_size)

            return integrate(velocity, noise, sampler(setting))

        return work

    return prepare


def geometry_of_two(*, together: bool) -> Way:
    """Stage 1 of two objects of a frame, in one batch or one after the other."""

    def prepare(setting: Setting) -> Work:
        network, config = setting.module("geometry"), setting.config
        tokens = setting.random(2, 7528, config.geometry.condition_width)
        generators = [torch.Generator(setting.device).manual_seed(seed) for seed in range(2)]
        noise = draw_latents(latent_sizes(config.geometry), generators, device=torch.device(setting.device))
        rows = [slice(0, 2)] if together else [slice(0, 1), slice(1, 2)]

        def work() -> object:
            return [
                integrate(
                    geometry_velocity(network, network.project(tokens[some])),
                    {name: latent[some] for name, latent in noise.items()},
                    STAGE1_DISTILLED,
                )
                for some in rows
            ]

        return work

    return prepare


def refinement(sampler: Callable[[Setting], SamplerConfig], *, saving: bool) -> Way:
    """Stage 2: the structured latent of a shell of voxels under 5496 condition tokens."""

    def prepare(setting: Setting) -> Work:
        network = setting.module("refinement")
        config = setting.config.refinement
        tokens = setting.random(1, 5496, config.condition_width)
        coords = shell(setting)
        noise = {"slat": draw_voxel_noise([len(coords)], config.channels, [torch.Generator(setting.device)])}

        def work() -> object:
            voxels = Voxels(coords)
            condition = network.project(tokens) if saving else None

            def velocity(
                state: Mapping[str, Tensor], when: Tensor, _step_size: Tensor, conditional: bool
            ) -> Mapping[str, Tensor]:
                if saving:
                    latents, lookup = SparseTensor(voxels, state["slat"]), condition if conditional else None
                else:
                    # The neighbours are found anew as well: nothing is kept from one step to the next.
                    latents = SparseTensor.of(coords, state["slat"])
                    lookup = network.project(tokens if conditional else tokens * 0)
                return {"slat": network(latents, when, lookup).features}

            return integrate(velocity, noise, sampler(setting))

        return work

    return prepare


def shell(setting: Setting) -> Tensor:
    """About as many voxels [N, 4] as asked for, on a sphere about the middle of the grid."""
    axis = torch.arange(64) - 31.5
    distance = torch.linalg.vector_norm(torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")), dim=0)
    order = (distance - (setting.voxels / (4 * torch.pi)) ** 0.5).abs().flatten().argsort()[: setting.voxels]
    coords = torch.stack(torch.unravel_index(order.sort().values, (64, 64, 64)), dim=1)
    return torch.cat([torch.zeros(len(coords), 1, dtype=torch.int64), coords], dim=1).int().to(setting.device)


def structure(setting: Setting) -> Work:
    """64^3 occupancy of the shape latent, and the shell of its voxels."""
    decoder = setting.module("structure_decoder")
    latent = setting.random(1, setting.config.geometry.grid**3, setting.config.geometry.channels)

    def work() -> object:
        logits = decoder(latent)
        return fit_voxels(prune_interior(occupied_voxels(logits)), setting.config.max_voxels, torch.Generator())

    return work


def mesh_channels(setting: Setting) -> Work:
    """Raw channels of all cubes within the voxels."""
    decoder = setting.module("mesh_decoder")
    coords, channels = shell(setting), setting.config.mesh.trunk.channels
    latents = setting.random(len(coords), channels)
    return lambda: decoder(SparseTensor.of(coords, latents))


def gaussians(setting: Setting) -> Work:
    """32 Gaussians per voxel."""
    decoder = setting.module("gaussian_decoder")
    coords, channels = shell(setting), setting.config.gaussians.trunk.channels
    latents = setting.random(len(coords), channels)
    return lambda: decoder(SparseTensor.of(coords, latents))


def sphere_cubes(setting: Setting) -> tuple[Tensor, Tensor]:
    """The cubes [M, 3] of the 256^3 grid within the voxels, and raw channels [M, 101] of a sphere's surface."""
    parents = Voxels(shell(setting))
    cubes = parents.subdivided().subdivided().coords[:, 1:]
    bits = torch.arange(8, device=cubes.device)
    corners = torch.stack([bits & 1, (bits >> 1) & 1, bits >> 2], dim=1)
    points = (cubes[:, None] + corners) / 256 - 0.5
    radius = (setting.voxels / (4 * torch.pi)) ** 0.5 / 64
    channels = torch.zeros(len(cubes), 101, device=cubes.device)
    channels[:, :8] = torch.linalg.vector_norm(points, dim=-1) - radius
    return cubes, channels


def surface_sparse(setting: Setting) -> Work:
    cubes, channels = sphere_cubes(setting)
    return lambda: extract_surface(cubes, channels, 256)


def surface_dense(setting: Setting) -> Work:
    """The same sphere on the whole grid, of which nothing but the signed distance is given."""
    axis = torch.arange(257, device=setting.device) / 256 - 0.5
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))
    sdf = torch.linalg.vector_norm(grid, dim=0) - (setting.voxels / (4 * torch.pi)) ** 0.5 / 64
    del grid
    return lambda: surface_of_sdf(sdf)


def stages(setting: Setting) -> tuple[Stage, ...]:
    """The chain in its order."""
    n = setting.guided_steps
    few1, few2 = (lambda _: STAGE1_DISTILLED), (lambda _: STAGE2_FEW_STEPS)
    many1, many2 = (lambda s: s.guided(STAGE1_SAMPLER)), (lambda s: s.guided(STAGE2_SAMPLER))
    return (
        Stage(
            "stage 1 tokens, a further mask",
            embedding("stage1_embedder", shared=True),
            embedding("stage1_embedder", shared=False),
        ),
        Stage("geometry, 4 steps", geometry(few1, saving=True), geometry(few1, saving=False)),
        Stage(f"geometry, {n} steps guided", geometry(many1, saving=True), geometry(many1, saving=False)),
        Stage(
            "two objects (plain: in turn)",
            geometry_of_two(together=True),
            geometry_of_two(together=False),
        ),
        Stage("structure decoder, voxels", structure),
        Stage(
            "stage 2 tokens, a further mask",
            embedding("stage2_embedder", shared=True),
            embedding("stage2_embedder", shared=False),
        ),
        Stage("refinement, 4 steps", refinement(few2, saving=True), refinement(few2, saving=False)),
        Stage(f"refinement, {n} steps guided", refinement(many2, saving=True), refinement(many2, saving=False)),
        Stage("mesh decoder", mesh_channels),
        Stage("surface (plain: dense grid)", surface_sparse, surface_dense),
        Stage("Gaussian decoder", gaussians),
    )


class PeakMemory:
    """Highest memory while the block runs, beyond that at its beginning, in MiB."""

    def __init__(self, device: str) -> None:
        self._cuda = device.startswith("cuda")
        self.mib = 0.0

    def __enter__(self) -> PeakMemory:
        if self._cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            self._before = torch.cuda.memory_allocated() / MIB
        else:
            self._before = resident_mib()
            self._highest, self._over = self._before, threading.Event()
            self._watch = threading.Thread(target=self._look)
            self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._cuda:
            torch.cuda.synchronize()
            self.mib = torch.cuda.max_memory_allocated() / MIB - self._before
        else:
            self._over.set()
            self._watch.join()
            self.mib = max(self._highest, resident_mib()) - self._before

    def _look(self) -> None:
        while not self._over.wait(0.002):
            self._highest = max(self._highest, resident_mib())


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MIB


@torch.inference_mode()
def measure(setting: Setting, way: Way) -> Figures:
    """Memory of the first run, which finds nothing left over from another; time of the repeats after it."""
    work = way(setting)
    with PeakMemory(setting.device) as peak:
        start = time.perf_counter()
        work()
    times = [time.perf_counter() - start]
    for _ in range(setting.repeats):
        start = time.perf_counter()
        work()
        if setting.device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return Figures(statistics.median(times[1:] or times), peak.mib)


def _child(setting: Setting, index: int, plain: bool, answer: Connection) -> None:
    stage = stages(setting)[index]
    way = stage.plain if plain else stage.saving
    assert way is not None
    answer.send(measure(setting, way))


def measure_alone(setting: Setting, index: int, *, plain: bool) -> Figures | None:
    """The figures from a fresh process; None where it died (out of memory, for one)."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(setting, index, plain, sender))
    process.start()
    sender.close()
    try:
        figures: Figures | None = receiver.recv()
    except EOFError:
        figures = None
    process.join()
    return figures


def device_name(device: str) -> str:
    if device.startswith("cuda"):
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    model = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return f"{model.split(':')[1].strip()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def cells(figures: Figures | None) -> str:
    return "        died" if figures is None else f"{1e3 * figures.seconds:9.0f} ms {figures.peak_mib:7.0f} MiB"


def parse() -> Setting:
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--dtype", default="float16" if cuda else "float32", choices=("float16", "bfloat16", "float32"))
    parser.add_argument("--depth", type=int, default=None if cuda else 1, help="blocks of every transformer")
    parser.add_argument("--voxels", type=int, default=20000 if cuda else 4000, help="of the shell that is refined")
    parser.add_argument("--guided-steps", type=int, default=25 if cuda else 2)
    parser.add_argument("--repeats", type=int, default=5 if cuda else 1)
    return Setting(**vars(parser.parse_args()))


def main() -> None:
    setting = parse()
    depth = (
        "all blocks" if setting.depth is None else f"{setting.depth} block(s) of each transformer instead of 24 or 12"
    )
    print(f"{device_name(setting.device)}; {setting.dtype}; {depth}; {setting.voxels} voxels; one object")
    print(f"{'':32s}{'with savings':>25s}{'plain':>26s}{'ratio':>14s}")
    few = 0.0
    for index, stage in enumerate(stages(setting)):
        saving = measure_alone(setting, index, plain=False)
        plain = measure_alone(setting, index, plain=True) if stage.plain else None
        text = f"{stage.name:32s}{cells(saving)}"
        if stage.plain:
            text += f"   {cells(plain)}"
        if saving and plain:
            text += f"   time x{plain.seconds / saving.seconds:.2f}"
        print(text, flush=True)
        apart = ("guided", "Gaussian", "two objects")
        few += saving.seconds if saving and not any(word in stage.name for word in apart) else 0.0
    print(f"{'4 + 4 steps to the surface':32s}{1e3 * few:9.0f} ms")


if __name__ == "__main__":
    main()
