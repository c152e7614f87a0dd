"""Soft counts of a batch, and the losses that are made of them."""

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, Self

from weightedce.backends import Array
from weightedce.call import arguments
from weightedce.call.across import Gradients, across
from weightedce.call.options import Absent, Background, ProblemReduction
from weightedce.call.over_problems import over_problems, weighted_pool
from weightedce.call.reductions import ratio
from weightedce.numerics import stable

MOST = 1e9  # the square of a beta is in range


class SoftConfusion(NamedTuple):
    """Soft counts of a batch, which add up over micro-batches, processes and devices.

    ``a + b`` holds the counts of both batches, and Python's ``sum`` adds up a list of them. It
    is a tuple of four arrays of one dtype, so that JAX, PyTorch and TensorFlow take it as a
    tree.

    The losses of counts take the options of the functions of their names. Of counts of several
    labels or classes they return one loss each, unless ``reduction`` says otherwise; counts do not
    know where they come from, so ``absent="skip"``, the default for a softmax, has to be said.

    Parameters
    ----------
    tp, fn, fp, tn : array
        Soft numbers of true positives, false negatives, false positives and true negatives: one
        each, or one a label or class.

    Examples
    --------
    >>> import numpy as np
    >>> a = soft_confusion(np.array([0.0, 2.0]), np.array([1, 0]))
    >>> b = soft_confusion(np.array([-1.0]), np.array([1]))
    >>> (a + b).recall().round(4)
    np.float64(0.3845)
    """

    tp: Array
    fn: Array
    fp: Array
    tn: Array

    def __add__(self, other: tuple[Any, ...], /) -> Self:
        """Add element by element, not as tuples do."""
        if not isinstance(other, SoftConfusion):
            return NotImplemented
        ranks = [len(getattr(counts.tp, "shape", ())) for counts in (self, other)]
        if ranks[0] != ranks[1]:
            raise ValueError(
                "other: expected counts of the same labels, got pooled ones beside one a label"
            )
        return type(self)(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def __radd__(self, other: object, /) -> Self:
        """Let ``sum`` start from its 0."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __mul__(self, other: object, /) -> NoReturn:
        """Refuse what repeats a tuple."""
        raise TypeError(f"SoftConfusion: expected + another one, got * {other!r:.40}")

    def __rmul__(self, other: object, /) -> NoReturn:
        """Refuse the same on the other side."""
        self.__mul__(other)

    def across(self, devices: Any = None, *, gradients: Gradients | None = None) -> Self:
        """Return the counts of all devices, of which each has a part of the batch.

        In one collective; arguments, errors and gradients as in `LossTotal.across`. What is made
        of the counts, a Dice loss say, is then that of the whole batch: a mean of the devices'
        own is not.

        Examples
        --------
        >>> import numpy as np
        >>> soft_confusion(np.zeros(4), np.array([1, 1, 0, 0])).across().dice_loss()
        np.float64(0.5)
        """
        return type(self)(*across(self, devices, gradients))

    def pooled(self, *, class_weight: Any = None, background: Background = None) -> Self:
        """Return the counts of all labels or classes together, each times its weight.

        Parameters
        ----------
        class_weight, background
            As in `dice_loss`.

        Returns
        -------
        SoftConfusion
            Of 0-d counts.
        """
        return type(self)(*weighted_pool(self, class_weight, background))

    def recall(self) -> Array:
        """Return TP / (TP + FN), and 0 where there are no positives."""
        return ratio(self.tp, self.tp + self.fn)

    def specificity(self) -> Array:
        """Return TN / (TN + FP), and 0 where there are no negatives."""
        return ratio(self.tn, self.tn + self.fp)

    def precision(self) -> Array:
        """Return TP / (TP + FP), and 0 where nothing is predicted positive."""
        return ratio(self.tp, self.tp + self.fp)

    def recall_specificity_loss(
        self,
        *,
        recall_weight: float = 0.5,
        specificity_weight: float = 0.5,
        smooth: float = 0.0,
        class_weight: Any = None,
        background: Background = None,
        absent: Absent = "count",
        reduction: ProblemReduction = "none",
    ) -> Array:
        """Return `recall_specificity_loss` of these counts."""
        a, b = normalized(recall_weight, specificity_weight, self.tp)
        more = _added(smooth, self.tp)

        def loss(counts: tuple[Array, ...]) -> Array:
            tp, fn, fp, tn = counts
            missed = ratio(fn, more(tp + fn))  # 1 - recall, without cancelling
            alarms = ratio(fp, more(tn + fp))
            return a * missed + b * alarms

        return self._reduced(loss, class_weight, background, absent, reduction)

    def tversky_loss(
        self,
        *,
        fp_weight: float = 0.5,
        fn_weight: float = 0.5,
        smooth: float = 0.0,
        class_weight: Any = None,
        background: Background = None,
        absent: Absent = "count",
        reduction: ProblemReduction = "none",
    ) -> Array:
        """Return `tversky_loss` of these counts."""
        loss = self._errors(fp_weight, fn_weight, smooth)
        return self._reduced(loss, class_weight, background, absent, reduction)

    def focal_tversky_loss(
        self,
        *,
        fp_weight: float = 0.3,
        fn_weight: float = 0.7,
        gamma: float = 4 / 3,
        smooth: float = 0.0,
        class_weight: Any = None,
        background: Background = None,
        absent: Absent = "count",
        reduction: ProblemReduction = "none",
    ) -> Array:
        """Return `focal_tversky_loss` of these counts."""
        gamma = arguments.number("gamma", gamma, self.tp, 1 / 64, 64)
        share = self._errors(fp_weight, fn_weight, smooth)

        def loss(counts: tuple[Array, ...]) -> Array:
            return stable.power(share(counts), 1.0 / gamma)

        return self._reduced(loss, class_weight, background, absent, reduction)

    def _errors(
        self, fp_weight: Any, fn_weight: Any, smooth: Any
    ) -> Callable[[tuple[Array, ...]], Array]:
        """Return the share of weighted errors, as a function of the counts."""
        fp_weight = arguments.number("fp_weight", fp_weight, self.tp, 0)
        fn_weight = arguments.number("fn_weight", fn_weight, self.tp, 0)
        more = _added(smooth, self.tp)

        def share(counts: tuple[Array, ...]) -> Array:
            tp, fn, fp, _ = counts
            errors = fp_weight * fp + fn_weight * fn
            return ratio(errors, more(tp + errors))

        return share

    def f_beta_loss(
        self,
        *,
        beta: float = 1.0,
        smooth: float = 0.0,
        class_weight: Any = None,
        background: Background = None,
        absent: Absent = "count",
        reduction: ProblemReduction = "none",
    ) -> Array:
        """Return `f_beta_loss` of these counts."""
        square = arguments.number("beta", beta, self.tp, 0, MOST) ** 2
        smooth = arguments.number("smooth", smooth, self.tp, 0)
        return self.tversky_loss(
            fp_weight=1 / (1 + square),
            fn_weight=square / (1 + square),
            smooth=smooth / (1 + square),
            class_weight=class_weight,
            background=background,
            absent=absent,
            reduction=reduction,
        )

    def dice_loss(
        self,
        *,
        smooth: float = 0.0,
        class_weight: Any = None,
        background: Background = None,
        absent: Absent = "count",
        reduction: ProblemReduction = "none",
    ) -> Array:
        """Return `dice_loss` of these counts."""
        return self.f_beta_loss(
            smooth=smooth,
            class_weight=class_weight,
            background=background,
            absent=absent,
            reduction=reduction,
        )

    def _reduced(
        self,
        loss: Callable[[tuple[Array, ...]], Array],
        class_weight: Any,
        background: Background,
        absent: Absent,
        reduction: ProblemReduction,
    ) -> Array:
        return over_problems(
            self,
            loss,
            class_weight=class_weight,
            background=background,
            absent=absent,
            reduction=reduction,
        )


def normalized(recall_weight: Any, specificity_weight: Any, like: Array) -> tuple[Any, Any]:
    """Return the two weights with sum 1."""
    a = arguments.number("recall_weight", recall_weight, like, 0)
    b = arguments.number("specificity_weight", specificity_weight, like, 0)
    if isinstance(a, float) and isinstance(b, float) and not a + b:
        raise ValueError("recall_weight: expected above 0, or specificity_weight, got 0 for both")
    return a / (a + b), b / (a + b)


def _added(smooth: Any, like: Array) -> Callable[[Array], Array]:
    """Return what adds a constant to a denominator."""
    smooth = arguments.number("smooth", smooth, like, 0)
    return lambda count: count if stable.is_zero(smooth) else count + smooth
