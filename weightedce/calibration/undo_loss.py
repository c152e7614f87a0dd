"""From the logits of any loss back to the probabilities of the data."""

from collections.abc import Callable
from typing import Any

from weightedce.backends import Array, host
from weightedce.curvature.derivatives import derivatives
from weightedce.curvature.logits import class_axis, numpy_logits

BLOCK = 2**18  # gradients of a block of rows: K x K each
OF_EXAMPLES = ("sample_weight", "mask")  # they move no minimum, or are weights of another name


def undo_loss(loss: Callable[..., Any], logits: Any, **given: Any) -> Array:
    r"""Take a whole loss back out of the logits of a model that was trained with it.

    .. math:: z' = \log \frac{\partial l(z, 0)}{\partial z}
        - \log \left( - \frac{\partial l(z, 1)}{\partial z} \right)
        \qquad \text{or, over classes,} \qquad
        \sum_y \eta_y \, \frac{\partial l(z, y)}{\partial z_k} = 0, \quad z' = \log \eta

    Where the expected loss of the data is least, its derivative ``eta l'(z, 1) + (1 - eta)
    l'(z, 0)`` is 0; so sigmoid(z'), or softmax(z'), is P(y | x) again. It undoes weights, alpha,
    the gamma of focal losses, smoothing, priors, margins and costs alike.

    Parameters
    ----------
    loss : callable
        The loss that the model was trained with; any that `derivatives` takes.
    logits : array of float
        What the trained model gives: NumPy's, or a list or column. Binary of any shape, or with
        K classes along ``axis``.
    **given
        The options that the loss had in training, by name.

    Returns
    -------
    array
        Logits of the same shape and dtype, float32 for half precision; over classes they are the
        logarithms of the probabilities. -inf, probability 0, or for binary logits inf, where no
        probability is left: see the notes.

    Raises
    ------
    TypeError, ValueError
        As `derivatives` raises them; for weights of examples, masks and ``class_weight="batch"``.

    Notes
    -----
    Exact for a model that can express the minimiser; otherwise an approximation, to be checked on
    held-out data. It is `undo_pos_weight` or `undo_class_weight` if there are weights alone, and
    for a focal loss the calibration map of Charoenphakdee et al. 2021.

    A class that training left out, by a weight of 0 or as one to ignore, has probability 0.

    Limits: with label smoothing e no data makes a model say less than e/2, or e/K, so what says
    less has probability 0. Where a loss is flat, as the asymmetric loss is for negatives below
    its clip, nothing was learnt: -inf too. A binary ``expected_cost`` is least at infinite logits
    and has no way back: what comes is the threshold of the costs, for every logit. Beyond logits of
    about 700 / (1 + gamma) a derivative is next to 0, and the answer infinite.

    References
    ----------
    Charoenphakdee, Vongkulbhisal, Chairatanakul, Sugiyama (2021), "On Focal Loss for
    Class-Posterior Probability Estimation: A Theoretical Perspective", CVPR, theorem 11; Reid,
    Williamson (2010), "Composite Binary Losses", JMLR 11, corollary 12. Over classes: Grassmann,
    Taksar, Heyman (1985), "Regenerative Analysis and Steady State Distributions for Markov
    Chains", Operations Research 33.

    Examples
    --------
    >>> import numpy as np
    >>> undo_loss(binary_cross_entropy, np.array([0.0, 3.0]), pos_weight=9.0).round(4)
    array([-2.1972,  0.8028])
    >>> undo_loss(binary_focal_loss, np.array([1.0, 3.0]), gamma=2.0).round(4)
    array([2.6817, 8.1827])
    """
    xp = host().namespace
    for name, value in given.items():
        if name in OF_EXAMPLES and value is not None:
            raise ValueError(f"{name}: expected none, since it is no part of the loss, got one")
        if isinstance(value, str) and value == "batch":
            raise ValueError(f"{name}: expected the weights of the training, got {value!r}")
    given = given | {"reduction": "none"}
    z = numpy_logits(logits)
    wide = z.astype(xp.float64)
    with xp.errstate(all="ignore"):
        if _is_binary(loss, wide, given):
            return _of_elements(loss, wide, given).astype(z.dtype)
        axis = class_axis(loss, wide, given)
        rows = xp.moveaxis(wide, axis, -1)
        flat = rows.reshape(-1, rows.shape[-1])
        given = given | {"axis": -1}
        size = max(1, BLOCK // flat.shape[-1] ** 2)
        blocks = range(0, len(flat), size)
        parts = [_of_classes(loss, flat[start : start + size], given) for start in blocks]
        found = xp.concatenate(parts) if parts else flat
    return xp.moveaxis(found.reshape(rows.shape), -1, axis).astype(z.dtype)


def _is_binary(loss: Callable[..., Any], z: Array, given: dict[str, Any]) -> bool:
    """Tell whether a loss is one of yes/no targets: by the shape that it gives of such ones."""
    xp = host().namespace
    axis = class_axis(loss, z, given)
    try:
        return bool(derivatives(loss, z, xp.zeros_like(z), **given).loss.shape == z.shape)
    except (TypeError, ValueError):  # of a loss of labels only, or of one that is no sum
        labels = xp.zeros(z.shape[:axis] + z.shape[axis + 1 :])
        try:
            derivatives(loss, z, labels, **given)
        except ValueError as error:
            if not str(error).startswith("targets:"):  # it is wrong for whatever targets
                raise
        else:
            return False
        raise


def _of_elements(loss: Callable[..., Any], z: Array, given: dict[str, Any]) -> Array:
    xp = host().namespace

    def slopes(z: Array) -> list[Array]:
        return [derivatives(loss, z, xp.full_like(z, y), **given).first for y in (0.0, 1.0)]

    of_negatives, of_positives = slopes(z)
    rising, falling = xp.maximum(of_negatives, 0.0), xp.maximum(-of_positives, 0.0)
    found = xp.log(rising) - xp.log(falling)
    negatives, positives = (x != 0.0 for x in slopes(xp.zeros_like(z)))  # of which was learnt
    found = xp.where(negatives, found, xp.inf)
    return xp.where(positives, found, xp.where(negatives, -xp.inf, xp.nan))


def _of_classes(loss: Callable[..., Any], z: Array, given: dict[str, Any]) -> Array:
    """Return the logarithms of the null vector of the gradients, for rows of logits."""
    xp, (count, classes) = host().namespace, z.shape
    columns = [derivatives(loss, z, xp.full(count, y), **given).first for y in range(classes)]
    gradients = xp.stack(columns, axis=-1)  # (N, K, K): to logit k, of label y
    off = gradients * (1.0 - xp.eye(classes))
    total = xp.abs(gradients.sum(axis=1)).max(axis=1)
    chain = (off >= 0.0).all(axis=(1, 2)) & (total <= 1e-9 * xp.abs(gradients).max(axis=(1, 2)))
    learnt = xp.array([_is_learnt(loss, classes, y, given) for y in range(classes)])
    off, gradients = (x[:, learnt][:, :, learnt] for x in (off, gradients))
    found, known = xp.zeros_like(z), xp.empty((count, int(learnt.sum())))
    known[chain] = _stationary(off[chain])
    known[~chain] = _null(gradients[~chain])
    found[:, learnt] = known
    found /= found.sum(axis=1, keepdims=True)
    return xp.log(found)


def _is_learnt(loss: Callable[..., Any], classes: int, y: int, given: dict[str, Any]) -> bool:
    """Tell whether a label moves anything: one that is ignored, or of weight 0, does not."""
    xp = host().namespace
    slope = derivatives(loss, xp.zeros((1, classes)), xp.array([y]), **given).first
    return bool((slope != 0.0).any())


def _stationary(rates: Array) -> Array:
    """Return the null vectors of matrices whose columns sum to 0 and whose others are not negative.

    They are the stationary distributions of Markov chains that go from y to k at those rates.
    Taken without a subtraction, each share has its digits however small it is.
    """
    xp, classes = host().namespace, rates.shape[-1]
    rates = xp.array(rates)
    outs = xp.zeros(rates.shape[:2])
    for last in range(classes - 1, 0, -1):
        outs[:, last] = rates[:, :last, last].sum(axis=1)
        into, away = rates[:, last, :last], rates[:, :last, last] / outs[:, last, None]
        rates[:, :last, :last] += away[:, :, None] * into[:, None, :]
    shares = xp.ones(rates.shape[:2])
    for last in range(1, classes):
        flow = (rates[:, last, :last] * shares[:, :last]).sum(axis=1)
        shares[:, last] = flow / outs[:, last]
        shares[:, : last + 1] /= shares[:, : last + 1].max(axis=1, keepdims=True)
    return shares


def _null(gradients: Array) -> Array:
    """Return the null vectors of other matrices; a class of negative share has none."""
    xp = host().namespace
    if not len(gradients):
        return gradients[:, 0]
    finite = xp.isfinite(gradients).all(axis=(1, 2))
    known = xp.where(finite[:, None, None], gradients, 0.0)
    shares = xp.linalg.svd(known)[2][:, -1]
    sign = xp.sign(shares.sum(axis=1, keepdims=True))
    return xp.where(finite[:, None], xp.maximum(sign * shares, 0.0), xp.nan)
