"""A loss as what boosters call: gradient and curvature of each row, in their shapes and signs."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from weightedce.boosting.catboost import CatBoostObjective, CatBoostOfClasses
from weightedce.boosting.constant import best_constant
from weightedce.boosting.steps import coupled, is_convex, lifted
from weightedce.calibration.undo_loss import undo_loss
from weightedce.call import options
from weightedce.curvature.derivatives import Derivatives, derivatives

Curvature = Literal["positive", "exact"]
OF_THE_DATA = ("sample_weight", "mask", "reduction", "axis")


class Objective:
    r"""Any loss as the objective of a booster.

    Boosters add, for each row n with the raw prediction (margin) z, trees that follow

    .. math:: g_n = s_n \, \frac{\partial l}{\partial z}, \qquad
        h_n = s_n \, \frac{\partial^2 l}{\partial z^2}

    with l in nats and the sample weight s, which libraries do not apply to objectives of one's own.

    Parameters
    ----------
    loss : callable
        A loss that `derivatives` takes: `binary_cross_entropy`, `binary_focal_loss`,
        `cross_entropy`, `focal_loss`, ...
    classes : int, optional
        How many classes, at least 2, for a loss over classes; None for yes/no targets.
    curvature : {"positive", "exact"}
        Where a loss is not convex, such as a focal loss far on the wrong side, its second
        derivative is negative, and boosters stop without a word. ``"positive"`` takes the
        Gauss-Newton curvature ``|g| (1 - p)``, with p the predicted probability of what is wrong,
        where such a loss has less than half of it. ``"exact"`` raises a ValueError there.
    floor : float
        The least curvature of a row of weight 1, above 0.
    coupling : float, optional
        A factor of the curvature of a loss over classes, whose logits boosters move one by one:
        default K / (K - 1), as LightGBM has it; XGBoost's own objective has 2.
    **given
        The options of the loss by name: pos_weight, class_weight, gamma, label_smoothing, ...

    Raises
    ------
    TypeError, ValueError
        If an option does not fit. When it is called: if a gradient is not finite, of which
        boosters would make a constant model, or as the loss raises them.

    Notes
    -----
    - XGBoost: ``xgb.train(..., obj=o, custom_metric=o.metric)`` or
      ``XGBClassifier(objective=o.sklearn)``.
    - LightGBM: ``lgb.train({"objective": o, ...}, ..., feval=o.metric)`` or
      ``LGBMClassifier(objective=o.sklearn)``.
    - CatBoost: ``CatBoost({"loss_function": o.catboost(), "eval_metric": ...})``.
    - Predictions are raw: ``o.calibrated(margins)`` are logits of the data's probabilities.
    - Objectives pickle, and scikit-learn's ``clone`` takes estimators that hold one.

    References
    ----------
    Friedman (2001), "Greedy Function Approximation: A Gradient Boosting Machine", Annals of
    Statistics 29, section 4.6 (K / (K - 1)); Chen, Guestrin (2016), "XGBoost: A Scalable Tree
    Boosting System", KDD, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> from weightedce.boosting import Objective
    >>> o = Objective(binary_cross_entropy, pos_weight=9.0)
    >>> o.sklearn(np.array([1.0, 0.0]), np.zeros(2))
    (array([-4.5,  0.5]), array([2.25, 0.25]))
    >>> round(o.start([1, 0, 0, 0]), 4)  # log(9 * 1 / 3)
    1.0986
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        classes: int | None = None,
        *,
        curvature: Curvature = "positive",
        floor: float = 1e-16,
        coupling: float | None = None,
        **given: Any,
    ) -> None:
        if classes is not None and options.whole("classes", classes) < 2:
            raise ValueError(f"classes: expected at least 2, or None for yes/no, got {classes!r}")
        for name in OF_THE_DATA:
            if name in given:
                raise TypeError(f"{name}: expected what the booster gives, got {given[name]!r}")
        self.loss, self.classes, self.given = loss, classes, given
        self.curvature = options.choice("curvature", curvature, get_args(Curvature))
        self.floor = options.number("floor", floor, 1e-300)
        default = 1.0 if classes is None else classes / (classes - 1)
        self.coupling = default if coupling is None else options.number("coupling", coupling, 1e-9)
        shape = (2,) if classes is None else (2, classes)
        found = derivatives(loss, np.zeros(shape), np.zeros(2), **given)  # which has the errors
        if found.loss.shape != (2,):
            raise ValueError(f"classes: expected a number for {self!r}, a loss over classes")
        self._convex: dict[tuple[int, ...], bool] = {}  # by the labels of a row

    def __repr__(self) -> str:
        name = getattr(self.loss, "__name__", repr(self.loss))
        parts = [name, *([] if self.classes is None else [f"classes={self.classes}"])]
        parts += [f"{key}={value!r}" for key, value in self.given.items()]
        return f"Objective({', '.join(parts)})"

    def __call__(self, preds: Any, data: Any) -> tuple[Any, Any]:
        """Return gradient and curvature: ``obj`` of xgb.train, ``objective`` of lgb.train.

        Parameters
        ----------
        preds : ndarray
            Margins, (N,) or (N, K).
        data : DMatrix or Dataset
            Which has labels and weights.

        Returns
        -------
        tuple of ndarray
            Both of the shape of ``preds``.
        """
        if not hasattr(data, "get_label"):
            got = f"{type(data).__name__}: scikit-learn's estimators take objective.sklearn"
            raise TypeError(f"data: expected a DMatrix or Dataset, got {got}")
        return self.sklearn(data.get_label(), preds, data.get_weight())

    def sklearn(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Any, Any]:
        """Return the same for XGBClassifier and LGBMClassifier: pass it as ``objective``.

        Parameters
        ----------
        y_true : array
            Labels 0 and 1, or 0 to K - 1, of any dtype.
        y_pred : ndarray
            Margins, (N,) or (N, K).
        sample_weight : array, optional
            One weight a row.

        Returns
        -------
        tuple of ndarray
            Both of the shape of ``y_pred``.
        """
        margins, weight = self._margins(y_pred, np.size(y_true)), _weight(sample_weight)
        found = self._derivatives(margins, y_true, weight)
        second = found.second
        if self.curvature == "positive":
            convex = self._is_convex(margins.shape[1:])
            second = lifted(margins, found.first, second, self.classes, convex)
        elif (second < 0.0).any():
            raise ValueError(
                f"curvature: expected a convex loss for 'exact', got {self!r}, with a second "
                f"derivative of {second.min():.3g} among {second.size}: pass curvature='positive'"
            )
        return found.first, coupled(second, self.coupling, self.floor, weight)

    def metric(self, preds: Any, data: Any, weight: Any = None) -> tuple[Any, ...]:
        """Return name and value of the mean loss, for early stopping.

        ``custom_metric`` of xgb.train, ``feval`` of lgb.train, and, with labels and margins,
        ``eval_metric`` of LGBMClassifier.fit; for that of XGBClassifier see `score`.

        Parameters
        ----------
        preds : array
            Margins; for LGBMClassifier the labels.
        data : DMatrix, Dataset or array
            Which has labels and weights; for LGBMClassifier the margins.
        weight : array, optional
            For LGBMClassifier, one weight a row.

        Returns
        -------
        tuple
            Name and value, and for LightGBM that less is better.
        """
        name = getattr(self.loss, "__name__", "loss")
        if not hasattr(data, "get_label"):
            return name, self.score(preds, data, weight), False
        value = self.score(data.get_label(), preds, data.get_weight())
        lightgbm = type(data).__module__.partition(".")[0] == "lightgbm"
        return (name, value, False) if lightgbm else (name, value)

    def score(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return the mean of the losses, by sample weight: ``eval_metric`` of XGBClassifier.

        Parameters
        ----------
        y_true, y_pred, sample_weight : array
            Labels, margins, and one weight a row.

        Returns
        -------
        float
            In nats. 0 where all weights are 0.
        """
        margins, weight = self._margins(y_pred, np.size(y_true)), _weight(sample_weight)
        more = {} if weight is None else {"sample_weight": weight}
        y = self._targets(y_true, margins)
        total = self.loss(margins, y, reduction="sum", **self.given, **more)
        size = margins.size if self.classes is None else len(margins)
        by = size if weight is None else weight.sum() * (margins.size / len(margins))
        by = by if self.classes is None or weight is None else weight.sum()
        return float(total / by) if by else 0.0

    def start(self, labels: Any, weight: Any = None) -> Any:
        """Return the constant margin of least loss, where boosting starts best.

        Parameters
        ----------
        labels : array
            The labels of the training data.
        weight : array, optional
            One weight a row.

        Returns
        -------
        float or ndarray
            For yes/no targets a number: ``base_score`` of xgb.train, and for LightGBM
            ``init_score=numpy.full(n, start)``, which is not part of its predictions: add it.
            For classes (K,), with mean 0 where that makes no difference. Of labels that do not
            occur it stops where probabilities are next to 0.
        """
        return best_constant(self, np.asarray(labels), _weight(weight))

    def calibrated(self, margins: Any) -> Any:
        """Return logits of the probabilities of the data: see `undo_loss`.

        Parameters
        ----------
        margins : array
            Raw predictions, (N,) or (N, K), starts included; what is returned has their shape.
        """
        return undo_loss(self.loss, self._margins(margins), **self.given)

    def catboost(self) -> Any:
        """Return the objective as CatBoost calls it: ``loss_function``.

        Returns
        -------
        object
            With ``calc_ders_range`` or, of classes, ``calc_ders_multi``, whose signs are those of
            minus the loss.
        """
        if "batch" in (x for x in self.given.values() if isinstance(x, str)):
            raise ValueError("class_weight: expected weights, since CatBoost has rows, got 'batch'")
        return CatBoostObjective(self) if self.classes is None else CatBoostOfClasses(self)

    def _is_convex(self, outputs: tuple[int, ...]) -> bool:
        if outputs not in self._convex:
            of = partial(derivatives, self.loss, **self.given)
            self._convex[outputs] = is_convex(of, self.classes, outputs)
        return self._convex[outputs]

    def _margins(self, margins: Any, rows: int | None = None) -> Any:
        """Return margins in float64, of the shape that the loss takes."""
        margins = np.asarray(margins, np.float64)
        if self.classes is None:
            return margins
        if margins.ndim == 1 and margins.size == (rows or 0) * self.classes:  # flat, row by row
            margins = margins.reshape(-1, self.classes)
        if margins.ndim != 2 or margins.shape[1] != self.classes:
            raise ValueError(
                f"classes: expected margins of shape (N, {self.classes}), got {margins.shape}: is "
                f"num_class the same? For two classes take a binary loss"
            )
        return margins

    def _targets(self, labels: Any, margins: Any) -> Any:
        """Return labels as the loss takes them; those of several outputs may come flat."""
        labels = np.asarray(labels)
        fits = self.classes is None and labels.size == margins.size
        return labels.reshape(margins.shape) if fits else labels

    def _derivatives(self, margins: Any, labels: Any, weight: Any) -> Derivatives:
        """Return value and derivatives of each row, all finite."""
        more = {} if weight is None else {"sample_weight": weight}
        y = self._targets(labels, margins)
        found = derivatives(self.loss, margins, y, **self.given, **more)
        for name, values in (("gradient", found.first), ("curvature", found.second)):
            if not np.isfinite(values).all():
                bad = int((~np.isfinite(values)).sum())
                raise ValueError(
                    f"{self!r}: expected finite numbers, got a {name} with {bad} of {values.size} "
                    f"that are none: margins in [{margins.min():.3g}, {margins.max():.3g}]"
                )
        return found


def _weight(weight: Any) -> Any:
    """Return one weight a row, or None; XGBoost has an empty array for none."""
    return np.asarray(weight, np.float64) if weight is not None and np.size(weight) else None
