"""Arguments of every verb that lets a model complete objects: which one, with which weights, where and how hard."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..pipeline.backends import BACKENDS, DEFAULT, LEARNED
from ..pipeline.model_options import GAUSSIANS, Dtype, ModelOptions, OptionsError, RegistrationMode, Sampling
from . import UsageError


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """--backend and what belongs to a learned one."""
    parser.add_argument(
        "--backend", choices=BACKENDS, default=DEFAULT, help=f"what completes an object (default {DEFAULT})"
    )
    group = parser.add_argument_group("learned model (backend sam3d)")
    _add_machine(group)
    _add_effort(group)


def _add_machine(group: argparse._ArgumentGroup) -> None:
    """Which weights, and where and how they are computed with."""
    group.add_argument(
        "--weights",
        type=Path,
        metavar="DIR",
        help="folder written by `sam3d-ros weights` or `sam3d-ros train export` (default: that of the package)",
    )
    group.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda or cuda:N (default cpu)")
    group.add_argument(
        "--dtype",
        choices=[item.value for item in Dtype],
        default=Dtype.AUTO.value,
        help="number format of the networks (default auto: float16 on a GPU, bfloat16 or float32 on a CPU)",
    )
    group.add_argument(
        "--memory-limit",
        type=int,
        default=0,
        metavar="MIB",
        help="of the device; parts are loaded in turn to stay below",
    )
    group.add_argument("--compile", action="store_true", help="torch.compile: faster after a slow first object")


def _add_effort(group: argparse._ArgumentGroup) -> None:
    """How much is asked of the model for each object."""
    group.add_argument(
        "--sampling",
        choices=[item.value for item in Sampling],
        default=Sampling.AUTO.value,
        help="full: 25 steps in each stage, guided ones for the published model; fast: 4 steps without guidance "
        "(default auto: full for the published model, fast for that of the package)",
    )
    group.add_argument("--steps", type=int, default=0, metavar="N", help="other number of steps of each stage")
    group.add_argument(
        "--refine",
        action="store_true",
        help="let the second stage of the package's weights work as well (the published model always does)",
    )
    group.add_argument(
        "--gaussians",
        type=int,
        choices=GAUSSIANS,
        default=0,
        help="besides the mesh, for --format gaussians and for textures: 4 for each voxel by the light decoder, 32 by "
        "the full one, which in the package's weights makes 8 (default 0)",
    )
    group.add_argument(
        "--candidates",
        type=int,
        default=1,
        metavar="N",
        help="answers from different seeds, of which the one that agrees best with depth and mask counts (default 1)",
    )
    group.add_argument(
        "--registration",
        choices=[item.value for item in RegistrationMode],
        default=RegistrationMode.SURFACE.value,
        help="to the measured depth: pose and size, then also the surface that is seen (default); or none",
    )


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """What was asked for; raises UsageError where the backend has no use for it, or where it cannot be used."""
    if arguments.backend not in LEARNED:
        _refuse_unused(arguments)
        return ModelOptions()
    try:
        options = ModelOptions(
            weights=arguments.weights,
            device=arguments.device,
            dtype=Dtype(arguments.dtype),
            sampling=Sampling(arguments.sampling),
            steps=arguments.steps,
            refine=arguments.refine,
            gaussians=arguments.gaussians,
            memory_limit_mib=arguments.memory_limit,
            candidates=arguments.candidates,
            registration=RegistrationMode(arguments.registration),
            compile=arguments.compile,
        )
        options.checked_weights()
    except OptionsError as error:
        raise UsageError(str(error)) from error
    return options


def node_parameters(arguments: argparse.Namespace) -> dict[str, str]:
    """The same choice as parameters of the node."""
    options = model_options(arguments)
    parameters = {"backend": arguments.backend}
    if arguments.backend in LEARNED:
        parameters |= {
            "weights": str(options.checked_weights().absolute()),
            "device": options.device,
            "dtype": options.dtype.value,
            "sampling": options.sampling.value,
            "steps": str(options.steps),
            "refine": str(options.refine).lower(),
            "gaussians": str(options.gaussians),
            "memory_limit": str(options.memory_limit_mib),
            "candidates": str(options.candidates),
            "registration": options.registration.value,
            "compile": str(options.compile).lower(),
        }
    return parameters


def _refuse_unused(arguments: argparse.Namespace) -> None:
    backend = arguments.backend
    if arguments.device != "cpu":
        raise UsageError(f"the {backend} backend runs on the CPU only; leave out --device {arguments.device}")
    defaults = {
        "weights": None,
        "steps": 0,
        "refine": False,
        "gaussians": 0,
        "dtype": Dtype.AUTO.value,
        "sampling": Sampling.AUTO.value,
        "memory_limit": 0,
        "candidates": 1,
        "registration": RegistrationMode.SURFACE.value,
        "compile": False,
    }
    for name, default in defaults.items():
        if getattr(arguments, name) != default:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"the {backend} backend has no {name.replace('_', ' ')}; leave out {flag}")
