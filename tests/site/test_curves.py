"""The curves of the pages, in a browser, are the library's losses and gradients."""

from functools import partial

import numpy as np
import pytest
import torch

import weightedce as w

NAMES = [name for name in dir(w) if name in w.losses.__all__ and name != "SoftConfusion"]


def one(loss, y, z, **options):
    return loss(z, torch.full_like(z, y), reduction="none", **options)


def pair(loss, z, **options):
    """Return the loss of examples of class 1 of two, by their margin."""
    logits = torch.stack([torch.zeros_like(z), z], dim=-1)
    return loss(logits, torch.ones(z.shape, dtype=torch.int64), reduction="none", **options)


def batches(loss, **options):
    """Return the loss of 5 positives and 95 negatives, by the logit of either: a batch a column."""
    targets = torch.cat([torch.ones(5), torch.zeros(95)])[:, None]

    def at(z, moved, positives, negatives):
        rows = torch.where(targets == 1, positives, negatives).double().expand(100, len(z))
        logits = torch.where(moved, z[None, :], rows)
        return loss(logits, targets.expand(logits.shape), axis=1, reduction="none", **options)

    return [lambda z: at(z, targets == 1, 0.0, -2.0), lambda z: at(z, targets == 0, 0.0, 0.0)]


def both(loss):
    """Return the losses of a positive and of a negative."""
    return lambda o: [partial(one, loss, 1.0, **o), partial(one, loss, 0.0, **o)]


def weighted(loss):
    """Return the loss of an example with class weights."""

    def curves(o):
        weight = o.pop("class_weight")
        return [partial(pair, loss, class_weight=[1.0, weight], **o)]

    return curves


def counted(z, name, **options):
    targets = torch.full_like(z, float(name == "tp"))
    return getattr(w.soft_confusion(z[None], targets[None], axis=-1, **options), name)


def linear(z, **options):
    hidden = torch.stack([torch.zeros_like(z), z], dim=-1)
    labels = torch.ones(len(z), dtype=torch.int64)
    return w.linear_cross_entropy(
        hidden, torch.eye(2).double(), labels, reduction="none", **options
    )


def costs(o):
    matrix = [[0.0, o["false alarm"]], [o["miss"], o["hit"]]]
    return [
        lambda z, y=y: w.expected_cost(z, torch.full_like(z, y), matrix, reduction="none")
        for y in (1.0, 0.0)
    ]


def ldam(o):
    counts = [10, o["examples of its class"]]
    return [
        partial(
            pair, w.ldam_cross_entropy, counts=counts, max_margin=o["max_margin"], scale=o["scale"]
        )
    ]


def softmax_counts(o):
    n = o["examples of its class in 100"]
    return [partial(pair, w.balanced_softmax_cross_entropy, counts=[100 - n, n])]


LIBRARY = {  # sliders to the library's curves, in the order of the page's
    "binary_cross_entropy": both(w.binary_cross_entropy),
    "confusion_cross_entropy": both(w.confusion_cross_entropy),
    "binary_focal_loss": both(w.binary_focal_loss),
    "asymmetric_loss": both(w.asymmetric_loss),
    "cross_entropy": weighted(w.cross_entropy),
    "focal_loss": weighted(w.focal_loss),
    "logit_adjusted_cross_entropy": lambda o: [
        partial(
            pair, w.logit_adjusted_cross_entropy, prior=[1 - o["prior"], o["prior"]], tau=o["tau"]
        )
    ],
    "balanced_softmax_cross_entropy": softmax_counts,
    "ldam_cross_entropy": ldam,
    "vector_scaling_cross_entropy": lambda o: [
        partial(
            pair, w.vector_scaling_cross_entropy, scale=[1.0, o["scale"]], shift=[0.0, o["shift"]]
        )
    ],
    "poly_cross_entropy": lambda o: [partial(pair, w.poly_cross_entropy, **o)],
    "generalized_cross_entropy": lambda o: [partial(pair, w.generalized_cross_entropy, **o)],
    "linear_cross_entropy": lambda o: [partial(linear, **o)],
    "expected_cost": costs,
    "recall_specificity_loss": lambda o: batches(
        w.recall_specificity_loss, specificity_weight=1 - o["recall_weight"], **o
    ),
    "tversky_loss": lambda o: batches(w.tversky_loss, **o),
    "focal_tversky_loss": lambda o: batches(w.focal_tversky_loss, **o),
    "f_beta_loss": lambda o: batches(w.f_beta_loss, **o),
    "dice_loss": lambda o: batches(w.dice_loss, **o),
    "soft_confusion": lambda o: [partial(counted, name=name, **o) for name in ("tp", "fp")],
}

# All curves and gradients at the points, where the sliders are
NUMBERS = """([name, points]) => {
  const options = {};
  document.querySelectorAll('.curves input').forEach((e) => { options[e.name] = Number(e.value); });
  const curves = Object.values(CURVES[name].curves);
  return [options, curves.map((f) => points.map((z) => [f(z, options), gradient(f)(z, options)]))];
}"""
DRAWN = "() => document.querySelector('.curves .panels').innerHTML"
MOVE = """(share) => document.querySelectorAll('.curves input').forEach((e, i) => {
  const at = (share + i * 0.3) % 1;
  e.value = Number(e.min) + at * (e.max - e.min);
  e.dispatchEvent(new Event('input'));
})"""


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_curves_are_the_librarys(page, address, name):
    page.goto(f"{address}/losses/{name}.html")
    span = page.evaluate("(name) => CURVES[name].span || [-6, 6]", name)
    points = np.linspace(*span, 26)  # not 0, where decisions jump, and not where clip has a kink
    for share in (None, 0.15, 0.55, 0.9):
        if share is not None:
            before = page.evaluate(DRAWN)
            page.evaluate(MOVE, share)
            assert page.evaluate(DRAWN) != before
        options, found = page.evaluate(NUMBERS, [name, points.tolist()])
        curves = LIBRARY[name](dict(options))
        assert len(curves) == len(found)
        for curve, numbers in zip(curves, np.array(found), strict=True):
            z = torch.tensor(points, requires_grad=True)
            loss = curve(z)
            (slope,) = torch.autograd.grad(loss.sum(), z)
            np.testing.assert_allclose(numbers[:, 0], loss.detach(), rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(numbers[:, 1], slope, rtol=1e-4, atol=1e-5)


# a curve of one logit says nothing of places in a batch, of constants of value, of other labels
WITHOUT = {"lovasz_loss", "seesaw_loss", "distribution_balanced_loss"}


def test_every_loss_has_sliders():
    assert set(LIBRARY) | WITHOUT >= set(NAMES)
