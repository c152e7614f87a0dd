"""Ask for a recall and let the loss find the weights, in JAX, PyTorch and Keras, on real tables.

    pip install weightedce jax optax torch keras scikit-learn matplotlib
    python examples/constrained_recall.py page-blocks0 yeast4 [--picture constraints.png]
    python examples/constrained_recall.py page-blocks0 --settings    other batches and optimizers

Trains one small network for recalls of 0.8, 0.9 and 0.95 in each library, and beside it with
fixed weights; prints what was measured on the rows it trained on and on the others. Exit status 1
if a recall is missed by more than 0.01, or one positive, in training, or on the others by more
than chance does in one of 40 tables.
"""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from math import comb

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

import network
import tables
from weightedce import (
    ConstraintState,
    binary_cross_entropy,
    constrained_binary_cross_entropy,
)
from weightedce.torch import ConstrainedBinaryCrossEntropyLoss

RECALLS = (0.8, 0.9, 0.95)
WEIGHTS = (0.25, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0)
BATCH, STEPS, RATE, SEED = 128, 3000, 0.01, 0
UNITS = {"page-blocks0": 4, "yeast4": 1, "abalone19": 1}  # few positives are soon known by heart

Decide = Callable[[np.ndarray], np.ndarray]


def batches(rows: int, batch: int = BATCH) -> np.ndarray:
    """Return the rows of each batch, the same for every library."""
    random = np.random.default_rng(SEED)
    each = rows // batch
    epochs = [random.permutation(rows)[: each * batch] for _ in range(-(-STEPS // each))]
    return np.concatenate(epochs).reshape(-1, batch)[:STEPS]


def falling(rate: float) -> optax.Schedule:
    return optax.cosine_decay_schedule(rate, STEPS)


SETTINGS = {
    "Adam, 0.01 falling": optax.adam(falling(0.01)),
    "Adam, 0.01": optax.adam(0.01),
    "Adam, 0.001": optax.adam(0.001),
    "SGD, 0.05 falling, momentum": optax.sgd(falling(0.05), momentum=0.9),
    "SGD, 0.05, momentum": optax.sgd(0.05, momentum=0.9),
}


def start_of(name: str, table: tables.Table) -> network.Parameters:
    """Return the numbers to start from; of the two outputs the difference is the logit."""
    drawn = network.initial(table.train_features.shape[1], UNITS[name], "float32", SEED)
    weight, bias = drawn.output_weight, drawn.output_bias
    return drawn._replace(
        output_weight=weight[:, 1:] - weight[:, :1], output_bias=bias[1:] - bias[:1]
    )


def deciding(parameters: network.Parameters) -> Decide:
    """Return the decisions of a network: positive where the logit is above 0."""
    parameters = network.Parameters(*(np.asarray(x) for x in parameters))
    return lambda features: network.logits(parameters, features)[:, 0] > 0


def by_jax(
    loss_of: Callable,
    table: tables.Table,
    start: network.Parameters,
    batch: int = BATCH,
    setting: str = next(iter(SETTINGS)),
) -> Decide:
    """Train in one compiled loop; the state of the constraint is carried along."""
    x, y = jnp.asarray(table.train_features), jnp.asarray(table.train_labels)
    optimizer = SETTINGS[setting]

    def loss(parameters: network.Parameters, rows: jax.Array, state: ConstraintState) -> tuple:
        hidden = jnp.tanh(x[rows] @ parameters.hidden_weight + parameters.hidden_bias)
        logits = (hidden @ parameters.output_weight + parameters.output_bias)[:, 0]
        return loss_of(logits, y[rows], state)

    def step(carry: tuple, rows: jax.Array) -> tuple[tuple, None]:
        parameters, moments, state = carry
        (_, state), gradient = jax.value_and_grad(loss, has_aux=True)(parameters, rows, state)
        updates, moments = optimizer.update(gradient, moments)
        return (optax.apply_updates(parameters, updates), moments, state), None

    start = jax.tree.map(jnp.asarray, start)
    carry = start, optimizer.init(start), jax.tree.map(jnp.asarray, ConstraintState.start())
    (parameters, *_), _ = jax.jit(partial(jax.lax.scan, step))(carry, batches(len(y), batch))
    return deciding(parameters)


def with_weight(weight: float) -> Callable:
    """Return a loss of a fixed weight, which leaves the state as it is."""

    def loss_of(logits: jax.Array, targets: jax.Array, state: ConstraintState) -> tuple:
        return binary_cross_entropy(logits, targets, pos_weight=weight), state

    return loss_of


def in_jax(recall: float, table: tables.Table, start: network.Parameters) -> Decide:
    return by_jax(partial(constrained_binary_cross_entropy, recall=recall), table, start)


def in_torch(recall: float, table: tables.Table, start: network.Parameters) -> Decide:
    """Train with a criterion that keeps the state."""
    torch.set_num_threads(1)
    x, y = torch.tensor(table.train_features), torch.tensor(table.train_labels)
    inputs, units = start.hidden_weight.shape
    model = torch.nn.Sequential(
        torch.nn.Linear(inputs, units), torch.nn.Tanh(), torch.nn.Linear(units, 1)
    )
    with torch.no_grad():
        for parameter, number in zip(model.parameters(), start, strict=True):
            parameter.copy_(torch.tensor(number.T))
    criterion = ConstrainedBinaryCrossEntropyLoss(recall=recall)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for rows in torch.tensor(batches(len(y))):
        optimizer.zero_grad()
        criterion(model(x[rows])[:, 0], y[rows]).backward()
        optimizer.step()
        schedule.step()
    return deciding(
        network.Parameters(*(parameter.detach().numpy().T for parameter in model.parameters()))
    )


def in_keras(recall: float, table: tables.Table, start: network.Parameters) -> Decide:
    """Train by compile and fit; the metric carries the state, and shows the recall."""
    import keras

    from weightedce.keras import ConstrainedBinaryCrossentropy

    x, y = table.train_features, table.train_labels
    inputs, units = start.hidden_weight.shape
    layers = keras.layers.Dense(units, activation="tanh"), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((inputs,)), *layers])
    model.set_weights(list(start))
    loss = ConstrainedBinaryCrossentropy(recall=recall, from_logits=True)
    schedule = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
    model.compile(keras.optimizers.Adam(schedule), loss=loss, metrics=[loss.rate])
    order = batches(len(y)).reshape(-1)  # one long epoch, in the order of the others
    model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
    return deciding(network.Parameters(*model.get_weights()))


LIBRARIES = {"jax": in_jax, "torch": in_torch, "keras": in_keras}


def rates(decide: Decide, features: np.ndarray, labels: np.ndarray) -> tuple[int, float]:
    """Return how many positives were found, and the share of negatives that were false alarms."""
    positive = decide(features)
    return int(positive[labels == 1].sum()), float(positive[labels == 0].mean())


def at_most(found: int, of: int, recall: float) -> float:
    """Return the probability to find so few, or fewer, where each is found with this recall."""
    return sum(comb(of, k) * recall**k * (1 - recall) ** (of - k) for k in range(found + 1))


def measure(name: str, libraries: list[str]) -> tuple[dict, dict, bool]:
    """Train and print; return what was measured, and whether every recall holds."""
    table = tables.read(name, "float32", 0)
    start, holds = start_of(name, table), True
    trained = (table.train_features, table.train_labels)
    others = (table.test_features, table.test_labels)
    few, more = int(trained[1].sum()), int(others[1].sum())
    print(f"\n{name}: {few} positives of {len(trained[1])} rows to train on, {more} of the others")
    print("                 trained: recall  alarms    others: recall  alarms  so few by chance")

    def show(what: str, decide: Decide) -> tuple[int, float, int, float, float]:
        found, alarms = rates(decide, *trained)
        there, false = rates(decide, *others)
        print(
            f"{what:20}{found / few:11.3f} {alarms:7.3f} {there / more:17.3f} {false:7.3f}", end=""
        )
        return found / few, alarms, there / more, false, there

    asked, fixed = {}, {}
    for recall in RECALLS:
        for library in libraries:
            decide = LIBRARIES[library](recall, table, start)
            got = show(f"recall {recall}, {library}", decide)
            chance = at_most(int(got[4]), more, recall)
            print(f"{chance:10.3f}", flush=True)
            holds &= got[0] >= recall - max(0.01, 1 / few) and chance >= 0.025
            asked[recall, library] = got
    for weight in WEIGHTS:
        fixed[weight] = show(f"pos_weight {weight:g}", by_jax(with_weight(weight), table, start))
        print(flush=True)
    return asked, fixed, holds


def settings(name: str) -> None:
    """Print the recall on the rows trained on with other batches and optimizers, in JAX."""
    table = tables.read(name, "float32", 0)
    start, few = start_of(name, table), int(table.train_labels.sum())
    print(f"\n{name}: recall on the {few} positives trained on, for {RECALLS}")
    for setting in SETTINGS:
        for batch in (32, 128, 512):
            print(f"{setting:30} batches of {batch:<5}", end="")
            for recall in RECALLS:
                loss_of = partial(constrained_binary_cross_entropy, recall=recall)
                decide = by_jax(loss_of, table, start, batch, setting)
                found, _ = rates(decide, table.train_features, table.train_labels)
                print(f"{found / few:8.3f}", end="", flush=True)
            print()


def draw(measured: dict[str, tuple[dict, dict]], path: str) -> None:
    """Draw recall against false alarms: fixed weights as a curve, what was asked for as points."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(measured), figsize=(5 * len(measured), 4.4), squeeze=False)
    marks = {"jax": "o", "torch": "s", "keras": "^"}
    colours = dict(zip(RECALLS, ("#0072B2", "#D55E00", "#009E73"), strict=True))
    for panel, (name, (asked, fixed)) in zip(panels[0], measured.items(), strict=True):
        curve = np.array([got[:2] for got in fixed.values()])
        panel.plot(curve[:, 1], curve[:, 0], ".-", color="#8c8c8c", label="pos_weight fixed")
        for weight, (recall, alarms, *_) in fixed.items():
            panel.annotate(f"{weight:g}", (alarms, recall), (4, -11), color="#6c6c6c",
                           textcoords="offset points", fontsize=8)  # fmt: skip
        for (recall, library), got in asked.items():
            label = f"recall={recall:g}" if library == next(iter(marks)) else None
            panel.axhline(recall, color=colours[recall], linewidth=0.7, linestyle=":")
            panel.plot(got[1], got[0], marks[library], color=colours[recall], label=label,
                       markersize=8, alpha=0.75)  # fmt: skip
        panel.set(title=name, xlabel="false alarms, share of the negatives")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("recall on the rows trained on")
    panels[0][0].legend(frameon=False, loc="lower right", fontsize=9)
    figure.suptitle("A recall that is asked for is met; a weight has to be tried", fontsize=12)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", default=["page-blocks0", "yeast4"])
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--picture", help="the file to write")
    parser.add_argument("--settings", action="store_true", help="other batches and optimizers")
    given = parser.parse_args()
    if given.settings:
        for name in given.tables:
            settings(name)
        return
    results = {name: measure(name, given.libraries) for name in given.tables}
    if given.picture:
        draw({name: found[:2] for name, found in results.items()}, given.picture)
    sys.exit(0 if all(holds for *_, holds in results.values()) else 1)


if __name__ == "__main__":
    main()
