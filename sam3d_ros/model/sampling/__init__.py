"""Samplers of flow matching: from noise at t = 0 to data at t = 1."""

from .euler import TIME_SCALE, Velocity, guidance_at, integrate
from .grid import time_grid
from .noise import draw_latents, draw_voxel_noise

__all__ = ["TIME_SCALE", "Velocity", "draw_latents", "draw_voxel_noise", "guidance_at", "integrate", "time_grid"]
