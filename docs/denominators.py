"""What every library's mean divides by: one batch, one weighted sum, five denominators.

Needs torch, tensorflow, keras and optax. The output is kept beside this file:

    python docs/denominators.py > docs/denominators.txt
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# torch before tensorflow: in the other order the process may crash
import torch  # isort: skip
import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import tensorflow as tf
from torch.nn import functional as F  # noqa: N812

import weightedce as wce

keras.config.set_floatx("float64")
jax.config.update("jax_enable_x64", True)

# Four examples, one of them positive; a positive counts 3 times. Softmax over (0, z) is the
# sigmoid of z, so the two-class form is the same problem and all losses have the same sum.
z = np.array([0.5, -1.0, 0.25, 2.0])
y = np.array([1, 0, 0, 0])
rows = np.stack([np.zeros(4), z], axis=1)
one_hot = np.eye(2)[y]
class_weight = np.array([1.0, 3.0])
w = class_weight[y]

tz, ty, trows, tone_hot, tweight = map(torch.tensor, (z, y, rows, one_hot, class_weight))
jz, jy, jrows, jw = map(jnp.asarray, (z, y, rows, w))
SUM = float(wce.cross_entropy(rows, y, class_weight=class_weight, reduction="sum"))


def show(name, value, smoothed_sum=SUM):
    value = float(value)
    print(f"{name:<66} {value:8.5f}   sum / {smoothed_sum / value:.3f}")


def keras_binary(reduction):
    loss = keras.losses.BinaryCrossentropy(from_logits=True, reduction=reduction)
    return loss(y[:, None], z[:, None], sample_weight=w)


def keras_sparse(reduction):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    return loss(y, rows, sample_weight=w)


print(f"sum of weighted losses {SUM:.5f}; 4 examples; sum of weights {w.sum():.0f}\n")

show('ours  reduction="mean"', wce.cross_entropy(rows, y, class_weight=class_weight))
show(
    'ours  reduction="weighted_mean"',
    wce.cross_entropy(rows, y, class_weight=class_weight, reduction="weighted_mean"),
)
show("torch cross_entropy, labels", F.cross_entropy(trows, ty, weight=tweight))
show("torch cross_entropy, probabilities", F.cross_entropy(trows, tone_hot, weight=tweight))
show(
    "torch binary_cross_entropy_with_logits, pos_weight",
    F.binary_cross_entropy_with_logits(tz, ty.double(), pos_weight=torch.tensor(3.0)),
)
show("Keras BinaryCrossentropy, sum_over_batch_size", keras_binary("sum_over_batch_size"))
show("Keras BinaryCrossentropy, mean_with_sample_weight", keras_binary("mean_with_sample_weight"))
show("Keras SparseCategorical, sum_over_batch_size", keras_sparse("sum_over_batch_size"))
show("Keras SparseCategorical, mean_with_sample_weight", keras_sparse("mean_with_sample_weight"))
unreduced = jw * optax.softmax_cross_entropy_with_integer_labels(jrows, jy)
show("optax softmax_..._integer_labels, unreduced; jnp.mean(w * loss)", jnp.mean(unreduced))
show("    ... jnp.sum(w * loss) / jnp.sum(w)", jnp.sum(unreduced) / jnp.sum(jw))
unreduced = tf.nn.weighted_cross_entropy_with_logits(y.astype("float64"), z, pos_weight=3.0)
show("tf.nn.weighted_cross_entropy_with_logits, unreduced; reduce_mean", tf.reduce_mean(unreduced))

print("\nthe last example masked\n")
keep = np.array([True, True, True, False])
kept = {"class_weight": class_weight, "mask": keep}
kept_sum = float(wce.cross_entropy(rows, y, **kept, reduction="sum"))
ignored = torch.tensor([1, 0, 0, -100])
show('ours  reduction="mean"', wce.cross_entropy(rows, y, **kept), kept_sum)
show(
    'ours  reduction="weighted_mean"',
    wce.cross_entropy(rows, y, **kept, reduction="weighted_mean"),
    kept_sum,
)
show(
    "torch cross_entropy, labels, ignore_index",
    F.cross_entropy(trows, ignored, weight=tweight),
    kept_sum,
)
as_zero_weight = np.where(keep, w, 0.0)
loss = keras.losses.BinaryCrossentropy(from_logits=True)
show(
    "Keras sum_over_batch_size, mask given as sample weight 0",
    loss(y[:, None], z[:, None], sample_weight=as_zero_weight),
    kept_sum,
)
timesteps = keras.layers.Masking(mask_value=2.0)(z[None, :, None])  # masks the last one
show(
    "Keras sum_over_batch_size, Keras mask",
    loss(y[None, :, None], timesteps, sample_weight=w[None, :]),
    kept_sum,
)

print("\nlabel smoothing 0.2\n")
smooth = {"class_weight": class_weight, "label_smoothing": 0.2}
for policy in ("target", "class"):
    total = wce.cross_entropy(rows, y, **smooth, smoothing_weight=policy, reduction="total")
    show(f'ours  smoothing_weight="{policy}", "mean"', total.mean(), total.loss)
    show(f'ours  smoothing_weight="{policy}", "weighted_mean"', total.weighted_mean(), total.loss)
torch_smooth = {"weight": tweight, "label_smoothing": 0.2}
show(
    "torch cross_entropy, labels",
    F.cross_entropy(trows, ty, **torch_smooth),
    F.cross_entropy(trows, ty, **torch_smooth, reduction="sum"),
)
show(
    "torch cross_entropy, probabilities",
    F.cross_entropy(trows, tone_hot, **torch_smooth),
    F.cross_entropy(trows, tone_hot, **torch_smooth, reduction="sum"),
)

print("\nnothing left: every label ignored\n")
nothing = torch.full((4,), -100)
print("torch cross_entropy ", float(F.cross_entropy(trows, nothing, weight=tweight)))
print("ours                ", float(wce.cross_entropy(trows, nothing, ignore_index=-100)))

print("\nrecipes: largest relative difference from the peer over 100 random batches\n")
rng = np.random.default_rng(0)
differences = {}


def compare(recipe, peer, ours):
    difference = np.max(np.abs(np.asarray(peer) - np.asarray(ours)) / np.abs(np.asarray(ours)))
    differences[recipe] = max(differences.get(recipe, 0.0), float(difference))


for _ in range(100):
    z = 3 * rng.normal(size=(20, 5))
    y = rng.integers(0, 2, size=(20, 5)).astype(float)
    labels = rng.integers(0, 5, size=20)
    one_hot = np.eye(5)[labels]
    q = rng.dirichlet(np.ones(5), size=20)
    w, s = rng.uniform(0.1, 10, size=5), rng.uniform(0.1, 10, size=20)
    tz, tw = torch.tensor(z), torch.tensor(w)
    some = np.where(rng.random(20) < 0.3, -100, labels)
    smooth = {"label_smoothing": 0.1, "smoothing_weight": "class"}
    compare(
        "torch cross_entropy, labels",
        F.cross_entropy(tz, torch.tensor(some), tw, label_smoothing=0.1),
        wce.cross_entropy(
            z, some, class_weight=w, ignore_index=-100, reduction="weighted_mean", **smooth
        ),
    )
    compare(
        "torch cross_entropy, probabilities",
        F.cross_entropy(tz, torch.tensor(q), tw, label_smoothing=0.1),
        wce.cross_entropy(z, q, class_weight=w, **smooth),
    )
    compare(
        "torch binary_cross_entropy_with_logits",
        F.binary_cross_entropy_with_logits(
            tz, torch.tensor(y), weight=torch.tensor(s)[:, None], pos_weight=tw
        ),
        wce.binary_cross_entropy(z, y, pos_weight=w, sample_weight=s),
    )
    for reduction, mine in (
        ("sum_over_batch_size", "mean"),
        ("mean_with_sample_weight", "weighted_mean"),
    ):
        binary = keras.losses.BinaryCrossentropy(from_logits=True, reduction=reduction)
        compare(
            f"Keras BinaryCrossentropy, {reduction}",
            binary(y, z, sample_weight=s),
            wce.binary_cross_entropy(z, y, sample_weight=s, reduction=mine),
        )
        multi = keras.losses.CategoricalCrossentropy(
            from_logits=True, reduction=reduction, label_smoothing=0.1
        )
        compare(
            f"Keras CategoricalCrossentropy, {reduction}",
            multi(one_hot, z, sample_weight=s),
            wce.cross_entropy(z, labels, sample_weight=s, label_smoothing=0.1, reduction=mine),
        )
    compare(
        "tf.nn.weighted_cross_entropy_with_logits",
        tf.nn.weighted_cross_entropy_with_logits(y, z, pos_weight=w),
        wce.binary_cross_entropy(z, y, pos_weight=w, reduction="none"),
    )
    jz = jnp.asarray(z)
    compare(
        "optax.softmax_cross_entropy_with_integer_labels",
        optax.softmax_cross_entropy_with_integer_labels(jz, jnp.asarray(labels)),
        wce.cross_entropy(z, labels, reduction="none"),
    )
    compare(
        "optax.sigmoid_binary_cross_entropy",
        optax.sigmoid_binary_cross_entropy(jz, jnp.asarray(y)),
        wce.binary_cross_entropy(z, y, reduction="none"),
    )
for recipe, difference in differences.items():
    print(f"{recipe:<62} {difference:.0e}")
