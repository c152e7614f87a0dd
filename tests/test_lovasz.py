"""The Lovász loss against the algorithm of its authors, and what weights and ties do to it."""

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE
from test_semantics import value

RANDOM = np.random.default_rng(0)


def by_the_authors(errors, positives):
    """Sort, add up, take differences: 1 - intersection / union, the largest error first."""
    order = np.argsort(-errors, kind="stable")
    errors, positives = errors[order], positives[order]
    intersection = positives.sum() - np.cumsum(positives)
    union = positives.sum() + np.cumsum(1 - positives)
    jaccard = 1 - intersection / union
    return errors @ np.diff(jaccard, prepend=0.0)


def errors_of(z, y, kind):
    if kind == "hinge":
        return np.maximum(0.0, 1 - z * (2 * y - 1))
    return np.abs(y - 1 / (1 + np.exp(-z)))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("coarse", [False, True], ids=["apart", "ties"])
@pytest.mark.parametrize("kind", ["hinge", "probability"])
def test_it_is_the_authors_algorithm(library, kind, coarse, share):
    z, y = RANDOM.normal(size=(60, 2)) * 3, (RANDOM.uniform(size=(60, 2)) < share) * 1.0
    z = np.round(z) if coarse else z
    each = value(library, w.lovasz_loss, z, y, errors=kind, axis=-1, reduction="none")
    expected = [by_the_authors(errors_of(z, y, kind)[:, j], y[:, j]) for j in range(2)]
    np.testing.assert_allclose(each, expected, rtol=1e-12, atol=1e-15)
    pooled = by_the_authors(errors_of(z, y, kind).ravel(), y.ravel())
    np.testing.assert_allclose(value(library, w.lovasz_loss, z, y, errors=kind), pooled, rtol=1e-12)


@pytest.mark.parametrize("kind", ["hinge", "probability"])
def test_a_weight_is_a_repetition_and_a_soft_target_two_elements(kind):
    z, y, times = RANDOM.normal(size=9), RANDOM.integers(0, 2, 9), RANDOM.integers(0, 4, 9)
    weighted = w.lovasz_loss(z, y, errors=kind, sample_weight=times)
    repeated = w.lovasz_loss(np.repeat(z, times), np.repeat(y, times), errors=kind)
    assert weighted == pytest.approx(repeated, rel=1e-13)
    masked = w.lovasz_loss(np.append(z, np.nan), np.append(y, 1), errors=kind, mask=[1] * 9 + [0])
    assert masked == w.lovasz_loss(z, y, errors=kind)
    soft = w.lovasz_loss(z, np.full(9, 0.25), errors=kind)
    both = np.repeat([1, 0], 9), np.repeat([0.25, 0.75], 9)
    apart = w.lovasz_loss(np.tile(z, 2), both[0], errors=kind, sample_weight=both[1])
    assert soft == pytest.approx(apart, rel=1e-13)


def test_limits():
    inf = np.inf
    assert w.lovasz_loss(np.array([inf, -inf]), np.array([1, 0])) == 0.0
    assert w.lovasz_loss(np.array([inf, -inf, 3.0]), np.array([0, 0, 1])) == inf
    one = w.lovasz_loss(np.array([inf, -inf]), np.array([0, 1]), errors="probability")
    assert one == 1.0
    assert w.lovasz_loss(np.array([0.5, -3.0]), np.zeros(2)) == 1.5  # the largest error
    assert w.lovasz_loss(np.array(0.5), np.array(1)) == 0.5
    assert w.lovasz_loss(np.zeros((0, 2)), np.zeros((0, 2)), axis=-1) == 0.0
    assert w.lovasz_loss(np.zeros((3, 0)), np.zeros((3, 0)), axis=1, reduction="none").shape == (0,)
    assert w.lovasz_loss(np.ones(3), np.ones(3), mask=np.zeros(3)) == 0.0
    with pytest.raises(ValueError, match=r"errors.*hinge, probability.*'sigmoid'"):
        w.lovasz_loss(np.ones(3), np.ones(3), errors="sigmoid")


torch_only = pytest.mark.skipif("torch" not in DIFFERENTIABLE, reason="PyTorch is not installed")


@torch_only
def test_torch_compiles_it_and_has_nothing_to_say():
    import torch

    z, y = torch.tensor([0.5, -1.0, 2.0, 0.3]), torch.tensor([1, 0, 0, 1])
    found = torch.compile(w.lovasz_loss, fullgraph=True)(z, y)
    torch.testing.assert_close(found, w.lovasz_loss(z, y))


@torch_only
def test_gradients_of_weights_and_of_ties():
    import torch

    z = torch.tensor([0.0, 0.0, 0.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([1, 0, 0, 1, 0])
    slope = torch.autograd.grad(w.lovasz_loss(z, y), z)[0]
    turned = torch.autograd.grad(w.lovasz_loss(z.flip(0), y.flip(0)), z)[0]
    np.testing.assert_array_equal(slope, turned)  # in whatever order they come
    # after the one negative of error 3: positives 1/3 each, negatives nothing more
    np.testing.assert_allclose(slope, [-1 / 3, 0.0, 0.0, -1 / 3, 1 / 3], rtol=1e-15)
    weight = torch.tensor([1.0, 2.0, 0.5, 1.5, 1.0], dtype=torch.float64, requires_grad=True)
    apart = torch.tensor([0.3, -0.2, 1.0, -1.5, 0.1], dtype=torch.float64, requires_grad=True)

    def loss(z, weight):
        return w.lovasz_loss(z, y, sample_weight=weight, errors="probability")

    assert torch.autograd.gradcheck(loss, (apart, weight))
