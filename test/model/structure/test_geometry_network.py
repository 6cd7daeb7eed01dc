"""The geometry network against a slow plain one that is written from its formulas and the published key names."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from seeded import seeded, with_seeded_weights
from small_sizes import GEOMETRY as CONFIG
from torch import Tensor

from sam3d_ros.model.config import GeometryConfig
from sam3d_ros.model.layers import step_features
from sam3d_ros.model.structure import LAYOUT, LAYOUT_CHANNELS, SHAPE, GeometryNetwork, latent_sizes

TOKENS = 11  # of the condition
LAYOUT_ORDER = ("6drotation_normalized", "translation", "scale", "translation_scale")


@pytest.fixture(scope="module")
def network() -> GeometryNetwork:
    return with_seeded_weights(GeometryNetwork(CONFIG))


def latents(batch: int = 1, salt: str = "") -> dict[str, Tensor]:
    return {name: seeded(salt + name, batch, *size) for name, size in latent_sizes(CONFIG).items()}


def condition_tokens(batch: int = 1, salt: str = "") -> Tensor:
    return seeded(f"{salt}condition", batch, TOKENS, CONFIG.condition_width)


TIME, STEP = torch.tensor([137.0]), torch.tensor([250.0])


class PlainNetwork:
    """Everything for one object, straight from the state dict: keys and values at each call, the condition times 0."""

    def __init__(self, state: Mapping[str, Tensor], config: GeometryConfig) -> None:
        self.state, self.config = state, config

    def linear(self, key: str, x: Tensor) -> Tensor:
        return x @ self.state[f"{key}.weight"].T + self.state[f"{key}.bias"]

    def norm(self, x: Tensor, eps: float) -> Tensor:
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()

    def silu(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)

    def embed(self, key: str, value: Tensor) -> Tensor:
        return self.linear(f"{key}.mlp.2", self.silu(self.linear(f"{key}.mlp.0", step_features(value)[0])))

    def heads(self, x: Tensor) -> list[Tensor]:
        return list(x.chunk(self.config.heads, dim=-1))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        answers = []
        for qh, kh, vh in zip(self.heads(q), self.heads(k), self.heads(v), strict=True):
            answers.append(torch.softmax(qh @ kh.T / math.sqrt(qh.shape[-1]), dim=-1) @ vh)
        return torch.cat(answers, dim=-1)

    def qkv(self, block: str, stream: str, x: Tensor) -> list[Tensor]:
        q, k, v = self.linear(f"{block}.self_attn.to_qkv.{stream}", x).chunk(3, dim=-1)
        out = []
        for kind, value in (("q", q), ("k", k)):
            gamma = self.state[f"{block}.self_attn.{kind}_rms_norm.{stream}.gamma"]
            normed = [h / h.norm(dim=-1, keepdim=True) * g for h, g in zip(self.heads(value), gamma, strict=True)]
            out.append(torch.cat(normed, dim=-1) * math.sqrt(gamma.shape[-1]))
        return [*out, v]

    def block(self, index: int, x: dict[str, Tensor], embedding: Tensor, tokens: Tensor) -> dict[str, Tensor]:
        block = f"blocks.{index}"
        shift1, scale1, gate1, shift2, scale2, gate2 = self.linear(
            f"{block}.adaLN_modulation.1", self.silu(embedding)
        ).chunk(6)
        projected = {s: self.qkv(block, s, self.norm(h, 1e-6) * (1 + scale1) + shift1) for s, h in x.items()}
        q, k, v = projected[SHAPE]
        attended = {SHAPE: self.attend(q, k, v)}
        q_layout, k_layout, v_layout = projected[LAYOUT]
        attended[LAYOUT] = self.attend(q_layout, torch.cat([k_layout, k]), torch.cat([v_layout, v]))
        after = {}
        for s, h in x.items():
            h = h + gate1 * self.linear(f"{block}.self_attn.to_out.{s}", attended[s])
            normed = (
                self.norm(h, 1e-6) * self.state[f"{block}.norm2.{s}.weight"] + self.state[f"{block}.norm2.{s}.bias"]
            )
            cross = f"{block}.cross_attn.{s}"
            keys, values = self.linear(f"{cross}.to_kv", tokens).chunk(2, dim=-1)
            h = h + self.linear(f"{cross}.to_out", self.attend(self.linear(f"{cross}.to_q", normed), keys, values))
            hidden = self.linear(f"{block}.mlp.{s}.mlp.0", self.norm(h, 1e-6) * (1 + scale2) + shift2)
            gelu = torch.nn.functional.gelu(hidden, approximate="tanh")
            after[s] = h + gate2 * self.linear(f"{block}.mlp.{s}.mlp.2", gelu)
        return after

    def __call__(self, x: Mapping[str, Tensor], time: Tensor, tokens: Tensor, step: Tensor | None) -> dict[str, Tensor]:
        embedding = self.embed("t_embedder", time)
        if step is not None:
            embedding = embedding + self.embed("d_embedder", step)
        tokens_of = {
            name: self.linear(f"latent_mapping.{name}.input_layer", value[0])
            + self.state[f"latent_mapping.{name}.pos_emb"]
            for name, value in x.items()
        }
        streams = {SHAPE: tokens_of[SHAPE], LAYOUT: torch.cat([tokens_of[name] for name in LAYOUT_ORDER])}
        for index in range(self.config.depth):
            streams = self.block(index, streams, embedding, tokens[0])
        rows = {SHAPE: streams[SHAPE], **{name: streams[LAYOUT][[row]] for row, name in enumerate(LAYOUT_ORDER)}}
        return {
            name: self.linear(f"latent_mapping.{name}.out_layer", self.norm(value, 1e-5))[None]
            for name, value in rows.items()
        }


def assert_same(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], atol: float = 2e-5) -> None:
    assert set(ours) == set(theirs)
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=atol)


@pytest.mark.parametrize("step", [None, torch.zeros(1), STEP])
@pytest.mark.parametrize("conditional", [True, False])
def test_the_network_equals_the_plain_one_with_and_without_condition(network, step, conditional):
    """Keys and values projected once against at each call; the collapsed pass against the condition times 0."""
    tokens = condition_tokens()
    plain = PlainNetwork(network.state_dict(), CONFIG)(latents(), TIME, tokens * conditional, step)
    condition = network.project(tokens) if conditional else None
    assert_same(network(latents(), TIME, condition, step), plain)


def test_a_step_size_of_zero_is_embedded_and_none_is_not(network):
    """Trap 3."""
    condition = network.project(condition_tokens())
    zero = network(latents(), TIME, condition, torch.zeros(1))
    none = network(latents(), TIME, condition, None)
    assert not torch.allclose(zero[SHAPE], none[SHAPE], atol=1e-3)


def test_layout_tokens_are_in_the_order_rotation_translation_scale_translation_scale():
    """Trap 11: neither the alphabetical order nor that of the latent mapping."""
    assert tuple(LAYOUT_CHANNELS) == LAYOUT_ORDER


def test_the_shape_never_depends_on_the_layout(network):
    """Trap 12."""
    condition = network.project(condition_tokens())
    other = {**latents(salt="other "), SHAPE: latents()[SHAPE]}
    first, second = network(latents(), TIME, condition, STEP), network(other, TIME, condition, STEP)
    assert torch.equal(first[SHAPE], second[SHAPE])
    assert not torch.allclose(first["translation"], second["translation"], atol=1e-3)


def test_the_layout_depends_on_the_shape(network):
    """Trap 12."""
    condition = network.project(condition_tokens())
    other = {**latents(), SHAPE: latents(salt="other ")[SHAPE]}
    first, second = network(latents(), TIME, condition, STEP), network(other, TIME, condition, STEP)
    assert not torch.allclose(first["scale"], second["scale"], atol=1e-3)


def test_the_shape_stream_alone_gives_the_same_shape(network):
    alone = network.project(condition_tokens(), layout=False)
    assert all(set(block) == {SHAPE} for block in alone)
    shape = network({SHAPE: latents()[SHAPE]}, TIME, alone, STEP)
    assert set(shape) == {SHAPE}
    both = network(latents(), TIME, network.project(condition_tokens()), STEP)
    torch.testing.assert_close(shape[SHAPE], both[SHAPE])


def test_objects_of_a_batch_answer_as_they_do_alone_each_at_its_own_time(network):
    """Trap 50: stage 1 is dense, so a batch is exact."""
    times, steps, tokens = torch.tensor([10.0, 400.0]), torch.tensor([0.0, 250.0]), condition_tokens(2)
    batch = network(latents(2), times, network.project(tokens), steps)
    for index in range(2):
        one = {name: x[index : index + 1] for name, x in latents(2).items()}
        condition = network.project(tokens[index : index + 1])
        alone = network(one, times[index : index + 1], condition, steps[index : index + 1])
        assert_same({name: x[index : index + 1] for name, x in batch.items()}, alone)


def test_one_condition_serves_several_draws(network):
    condition = network.project(condition_tokens())
    batch = network(latents(3), TIME, condition, STEP)
    alone = network({name: x[2:] for name, x in latents(3).items()}, TIME, condition, STEP)
    assert_same({name: x[2:] for name, x in batch.items()}, alone)


def test_inputs_are_left_as_they_were(network):
    given = latents()
    network(given, TIME, network.project(condition_tokens()), STEP)
    assert all(torch.equal(given[name], value) for name, value in latents().items())


def test_other_latents_and_an_unknown_step_size_are_refused_by_name():
    network = with_seeded_weights(GeometryNetwork(GeometryConfig(width=16, heads=2, depth=1, grid=2, step_size=False)))
    with pytest.raises(ValueError, match="step_size=None"):
        network({SHAPE: torch.zeros(1, 8, 8)}, TIME, None, STEP)
    with pytest.raises(ValueError, match="'scale', 'shape'"):
        network({SHAPE: torch.zeros(1, 8, 8), "scale": torch.zeros(1, 1, 3)}, TIME, None)
    assert network({SHAPE: torch.zeros(1, 8, 8)}, TIME, None)[SHAPE].shape == (1, 8, 8)
