"""JAX: a loss of logits that are a matrix product, by blocks of rows, with a derivative of its own.

The gradient is formed in the scan that forms the value. It is given as a rule for tangents, so
that reverse mode, forward mode and both on top of each other work; the derivative of the gradient
is JAX's own, of the blocks as they are composed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from weightedce.backends.handed import Array, Head
from weightedce.backends.jax.labels import at_labels, explicit

ELEMENTS = 5 * 2**22  # logits in a block: with 3, the products took 1.13 times as long
PIECE = 2**22  # numbers of the gradient to the weight that are added at a time
Linear = Sequence[Any]  # hidden, weight, bias or None
Step = Callable[[Any, Sequence[Any]], tuple[Any, Any]]


def linear_sums(
    head: Head, linear: Linear, rows: Sequence[Any], shared: Sequence[Any], size: int
) -> Any:
    """Return the sums of ``head`` over the logits that ``linear`` makes."""
    return _total(head, size, tuple(linear), tuple(rows), tuple(shared))


def linear_losses(
    head: Head, linear: Linear, rows: Sequence[Any], shared: Sequence[Any], size: int
) -> Array:
    """Return the loss of each row; its backward pass forms the logits again."""

    @jax.checkpoint
    def losses(hidden: Array, *part: Any) -> Array:
        return head.losses(_logits(hidden, linear), part, shared)

    found: Array = _over_blocks(lambda _, x: (None, losses(*x)), None, (linear[0], *rows), size)[1]
    return found


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _total(head: Head, size: int, linear: Linear, rows: Any, shared: Any) -> Any:
    def add(sums: Any, part: Sequence[Any]) -> tuple[Any, None]:
        return _sum(sums, _slope(head, _logits(part[0], linear), part[1:], shared)[0]), None

    return _over_blocks(add, _nothing(linear[0]), (linear[0], *rows), size)[0]


def _total_jvp(head: Head, size: int, primals: Any, tangents: Any) -> Any:
    if any(not _is_zero(t) for t in jax.tree.leaves(tangents[1:], is_leaf=_is_zero)):
        # of a target or a weight, which moves the sum of weights too
        tangents = jax.tree.map(_instantiated, tangents, is_leaf=_is_zero)
        return jax.jvp(partial(_composed, head, size), primals, tangents)
    sums, gradients = _gradients(head, size, *primals)
    pairs = zip(gradients, tangents[0], strict=True)
    moved = [jnp.sum(g * t) for g, t in pairs if t is not None and not _is_zero(t)]
    still = jnp.zeros_like(sums[0])
    if head.devices is not None and moved:  # each device has the part of its classes
        moved = [jax.lax.psum(sum(moved), head.devices)]
    return sums, (sum(moved, start=still), still, still)


_total.defjvp(_total_jvp, symbolic_zeros=True)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _gradients(head: Head, size: int, linear: Linear, rows: Any, shared: Any) -> Any:
    """Return the sums, and the gradients to hidden, weight and bias."""
    hidden, weight, bias = linear

    def add(carry: Any, part: Sequence[Any]) -> tuple[Any, Array]:
        sums, to_weight, to_bias = carry
        found, slope = _slope(head, _logits(part[0], linear), part[1:], shared)
        to_weight = _add_product(to_weight, slope, part[0])
        to_bias = None if bias is None else to_bias + jnp.sum(slope, axis=0)
        return (_sum(sums, found), to_weight, to_bias), _product(slope, weight)

    start = _nothing(hidden), jnp.zeros_like(weight), None if bias is None else jnp.zeros_like(bias)
    (sums, to_weight, to_bias), to_hidden = _over_blocks(add, start, (hidden, *rows), size)
    return sums, (to_hidden, to_weight, to_bias)


@_gradients.defjvp
def _gradients_jvp(head: Head, size: int, primals: Any, tangents: Any) -> Any:
    def again(linear: Linear, rows: Any, shared: Any) -> Any:
        if head.devices is not None:  # the part of this device alone, as above
            linear = jax.lax.pcast(linear[0], head.devices, to="varying"), *linear[1:]
        composed = partial(_composed, head, size)
        gradients = jax.grad(lambda x: composed(x, rows, shared)[0])(linear)
        return composed(linear, rows, shared), gradients

    return _gradients(head, size, *primals), jax.jvp(again, primals, tangents)[1]


def _composed(head: Head, size: int, linear: Linear, rows: Any, shared: Any) -> Any:
    """Return the sums as JAX may differentiate them; logits are formed again for that."""

    @jax.checkpoint
    def total(hidden: Array, *part: Any) -> Any:
        return tuple(head.total(_logits(hidden, linear), part, shared))

    def add(sums: Any, part: Sequence[Any]) -> tuple[Any, None]:
        return _sum(sums, total(*part)), None

    return _over_blocks(add, _nothing(linear[0]), (linear[0], *rows), size)[0]


def _slope(head: Head, logits: Array, rows: Any, shared: Any) -> tuple[Any, Array]:
    """Return the sums of a block, and the derivative to its logits."""
    if not head.labels_alone(logits, rows[0]):
        return head.slope(logits, rows, shared)[1:]
    b = head.batch(head.capped(logits), rows, shared)
    if b.shards is not None:
        return _slope_of_shards(head, b, logits)
    z, y = b.logits, b.labels
    hit = jax.lax.broadcasted_iota(y.dtype, z.shape, 1) == y[:, None]
    highest = jnp.max(z, axis=-1, keepdims=True)
    ratios = jnp.where(hit, 0.0, jnp.exp(jnp.where(z == highest, 0.0, z - highest)))
    found = head.of_label(b, at_labels(z, y), highest[:, 0], jnp.sum(ratios, axis=-1))
    slope = jnp.where(hit, found.at_label[:, None], ratios * found.scale[:, None])
    cap_slope = head.cap_slope(logits)
    return head.sums(found.loss, b), slope if cap_slope is None else slope * cap_slope


def _slope_of_shards(head: Head, b: Any, logits: Array) -> tuple[Any, Array]:
    """Return the same for labels whose class may be on another device."""
    z, shards = b.logits, b.shards
    hit = jax.lax.broadcasted_iota(b.labels.dtype, z.shape, 1) == (b.labels - shards.start)[:, None]
    highest = shards.max(jnp.max(z, axis=-1, keepdims=True))
    ratios = jnp.where(hit, 0.0, jnp.exp(jnp.where(z == highest, 0.0, z - highest)))
    logit = jnp.sum(jnp.where(hit, z, 0.0), axis=-1)
    others, logit = shards.sum(jnp.stack([jnp.sum(ratios, axis=-1), logit]))
    found = head.of_label(b, logit, highest[:, 0], others)
    slope = jnp.where(hit, found.at_label[:, None], ratios * found.scale[:, None])
    cap_slope = head.cap_slope(logits)
    return head.sums(found.loss, b), slope if cap_slope is None else slope * cap_slope


def _over_blocks(step: Step, carry: Any, rows: Sequence[Any], size: int) -> tuple[Any, Any]:
    """Scan over blocks of rows, the odd rows first; return the carry and what steps gave."""
    count = rows[0].shape[0]
    if explicit(rows[0]) and _spec(rows[0])[0]:
        size = count + 1  # JAX does not cut such rows: each device has a block of its own
    full, rest = divmod(count, size)
    found = []

    def block(carry: Any, i: Array) -> tuple[Any, Any]:
        cut = partial(jax.lax.dynamic_slice_in_dim, start_index=rest + i * size, slice_size=size)
        return step(carry, [x if x is None else cut(x) for x in rows])

    if rest or not full:
        # not after the scan: XLA would form these logits before it, and hold them meanwhile
        carry, first = step(carry, [x if x is None else x[:rest] for x in rows])
        found.append(first)
    if full:
        carry, stacked = jax.lax.scan(block, carry, jnp.arange(full))
        if stacked is not None:
            found.append(stacked.reshape(full * size, *stacked.shape[2:]))
    return carry, None if found[-1:] in ([], [None]) else jnp.concat(found)


def _add_product(total: Array, slope: Array, hidden: Array) -> Array:
    """Return ``total + slope.T @ hidden`` piece by piece: XLA makes room for the whole product."""
    if explicit(total):  # whose rows JAX does not cut: each device has a piece of its own
        return total + _product(slope.T, hidden)
    size = max(1, PIECE // hidden.shape[1])
    full, rest = divmod(len(total), size)

    def add(start: Any, size: int, total: Array) -> Array:
        columns = jax.lax.dynamic_slice_in_dim(slope, start, size, axis=1)
        before = jax.lax.dynamic_slice_in_dim(total, start, size)
        return jax.lax.dynamic_update_slice_in_dim(total, before + columns.T @ hidden, start, 0)

    if rest:
        total = add(full * size, rest, total)
    # the loop last: XLA would fuse the other update with what follows, and not do it in place
    return jax.lax.fori_loop(0, full, lambda i, x: add(i * size, size, x), total) if full else total


def _logits(hidden: Array, linear: Linear) -> Array:
    logits = _product(hidden, linear[1].T)
    return logits if linear[2] is None else logits + linear[2][None]


def _product(a: Array, b: Array) -> Array:
    """Return ``a @ b``, on an explicit mesh with rows as a has them and columns as b has.

    JAX asks where a sum over what is sharded shall lie.
    """
    if not explicit(a):
        return a @ b
    mesh = jax.typeof(a).sharding.mesh
    rows, columns = _spec(a)[0], _spec(b)[1]
    spec = jax.sharding.PartitionSpec(rows, None if columns == rows else columns)
    return jnp.matmul(a, b, out_sharding=jax.sharding.NamedSharding(mesh, spec))


def _spec(array: Array) -> Sequence[Any]:
    """Return the axes of the mesh along each axis of an array."""
    spec: Sequence[Any] = jax.typeof(array).sharding.spec
    return (*spec, *[None] * (array.ndim - len(spec)))


def _sum(a: Any, b: Any) -> Any:
    return tuple(x + y for x, y in zip(a, b, strict=True))


def _nothing(hidden: Array) -> Any:
    return (jnp.zeros((), hidden.dtype),) * 3


def _is_zero(tangent: Any) -> bool:
    return isinstance(tangent, SymbolicZero)


def _instantiated(tangent: Any) -> Any:
    if not _is_zero(tangent):
        return tangent
    make = np.zeros if tangent.dtype == jax.dtypes.float0 else jnp.zeros
    return make(tangent.shape, tangent.dtype)
