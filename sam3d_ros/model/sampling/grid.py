"""At which times a flow is evaluated: t = 0 is noise, t = 1 is data."""

from __future__ import annotations


def time_grid(steps: int, rescale_t: float) -> list[float]:
    """The steps + 1 times from 0 to 1; `rescale_t` above 1 puts more of them near the noise, 1 spaces them evenly.

    Raises ValueError for less than one step or a rescale that is not positive.
    """
    if steps < 1:
        raise ValueError(f"{steps} sampling steps; take 1 or more")
    if not rescale_t > 0:
        raise ValueError(f"rescale_t {rescale_t}; take a positive number, 1 for evenly spaced times")
    even = [index / steps for index in range(steps + 1)]
    return [u / (1 + (rescale_t - 1) * (1 - u)) for u in even]
