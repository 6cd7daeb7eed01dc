"""Objectives of flow networks of either stage and either size: dense latents and latents on voxels alike."""

from .conditioned import Flow, geometry_flow, refinement_flow
from .memory import recompute_blocks
from .modules import FlowDistillation, FlowPreference
from .own_steps import OwnSteps, own_state
from .preferences import Pair, preference_errors
from .shortcuts import ShortcutBatch, StepSizes, shortcut_errors
from .step_size import settle_step_size

__all__ = [
    "Flow",
    "FlowDistillation",
    "FlowPreference",
    "OwnSteps",
    "Pair",
    "ShortcutBatch",
    "StepSizes",
    "geometry_flow",
    "own_state",
    "preference_errors",
    "recompute_blocks",
    "refinement_flow",
    "settle_step_size",
    "shortcut_errors",
]
