"""NumPy: values only; the losses of scikit-learn."""

import os

import numpy as np
from scipy.special import expit, softmax
from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
from sklearn.metrics import log_loss

from library import Library

THREADS = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()


class NumPy(Library):
    differentiable = False

    def __init__(self, mode, device):  # noqa: ARG002
        if device != "cpu":
            raise RuntimeError("NumPy computes on the cpu only")

    def array(self, x, dtype=None):
        return np.asarray(x, dtype=dtype if x.dtype.kind == "f" else None)

    def peers(self, work, rest):
        """Weights by example are made outside; log_loss takes probabilities, made inside."""
        if work.family == "linear":
            linear = HalfMultinomialLoss(n_classes=work.size[1])
            labels = rest[0].astype(np.float32)
            return {
                "matmul, HalfMultinomialLoss": lambda h, w, _: linear(
                    labels, h @ w.T, n_threads=THREADS
                )
            }
        y, w = rest
        if work.binary:
            weight = np.where(y == 1, w, np.float32(1.0))
            scale = weight.mean()  # scikit-learn divides by the sum of weights, we by the count
            half = HalfBinomialLoss()
            return {
                f"HalfBinomialLoss, n_threads={THREADS}": lambda z, y, _: (
                    scale * half(y, z, sample_weight=weight, n_threads=THREADS)
                ),
                "expit, metrics.log_loss": lambda z, y, _: (
                    scale * log_loss(y, expit(z), sample_weight=weight)
                ),
            }
        labels, weight = y.astype(np.float32), w[y]
        classes = np.arange(work.size[1])
        many = HalfMultinomialLoss(n_classes=work.size[1])
        return {
            f"HalfMultinomialLoss, n_threads={THREADS}": lambda z, *_: many(
                labels, z, sample_weight=weight, n_threads=THREADS
            ),
            "softmax, metrics.log_loss": lambda z, y, _: log_loss(
                y, softmax(z, axis=1), sample_weight=weight, labels=classes
            ),
        }

    def step(self, loss, leaves, rest):
        return lambda: (loss(*leaves, *rest),)

    def limits(self, work, leaves, rest):
        """Return a read alone: there is no gradient to write."""
        (z,), y = leaves, rest[0]
        read = (lambda: (z.sum(), y.sum())) if work.binary else z.sum
        return {"read": read, "exp + log1p": lambda: np.log1p(np.exp(z))}

    def numbers(self, result):
        return [np.asarray(x, dtype=np.float32) for x in result]
