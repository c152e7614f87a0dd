"""TensorFlow: eager, graphs, and XLA."""

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import numpy as np

from weightedce.validation.libraries.library import Library, NoDeviceError, Run


class TensorFlow(Library):
    """TensorFlow; ``function`` is a graph for batches of any length, ``xla`` compiles it."""

    name = "tensorflow"
    packages = ("tensorflow", "tensorflow-cpu", "tensorflow_cpu", "tensorflow-macos")
    modes = ("eager", "function", "xla")
    slow = ("xla",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own imports warn
            import tensorflow as tf

        self.tf = tf
        kind = "GPU" if device == "cuda" else device.upper()
        if not tf.config.list_logical_devices(kind):
            raise NoDeviceError(f"device: tensorflow has no {device!r}")
        self.place = f"/{kind}:0"

    def scope(self, dtype: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        place: AbstractContextManager[Any] = self.tf.device(self.place)
        return place

    def array(self, x: Any, dtype: str | None = None) -> Any:
        x = np.asarray(x)
        with self.scope(""):
            if dtype is None or x.dtype.kind != "f":
                return self.tf.constant(x)
            return self.tf.cast(self.tf.constant(x), dtype)

    def numpy(self, x: Any) -> np.ndarray:
        x = x.numpy()
        return np.asarray(x.astype("float32") if x.dtype.name == "bfloat16" else x)

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype.name)

    def header(self, dtype: str) -> str:  # noqa: ARG002
        return "import tensorflow as tf"

    def literal(self, values: str, dtype: str | None) -> str:
        return f'tf.constant({values}, dtype="{dtype}")' if dtype else f"tf.constant({values})"

    def derivation(self, mode: str, order: int, names: Sequence[str]) -> str:
        call = f"loss({', '.join(names)})"
        body = [f"return {call}"]
        if order == 1:
            body = [
                "with tf.GradientTape() as tape:",
                "    tape.watch(logits)",
                f"    total = tf.reduce_sum({call})",
                "return tape.gradient(total, logits)",
            ]
        if order == 2:
            body = [
                "with tf.GradientTape(persistent=True) as outer:",
                "    outer.watch(logits)",
                "    with tf.GradientTape() as inner:",
                "        inner.watch(logits)",
                f"        total = tf.reduce_sum({call})",
                "    gradient = inner.gradient(total, logits)",
                "    columns = [gradient[..., j] for j in range(logits.shape[-1])]",
                "return tf.stack([outer.gradient(c, logits) for c in columns], axis=-1)",
            ]
        wrap = {"function": ["@tf.function"], "xla": ["@tf.function(jit_compile=True)"]}
        lines = [*wrap.get(mode, []), f"def derive({', '.join(names)}):"]
        lines += [f"    {line}" for line in body]
        return "\n".join([*lines, "", "", f"result = derive({', '.join(names)})"])

    def prepare(
        self, mode: str, loss: Callable[..., Any], orders: tuple[int, ...], batched: int = 2
    ) -> Run:
        tf = self.tf
        zero = tf.UnconnectedGradients.ZERO

        def function(z: Any, *rest: Any) -> list[Any]:
            if max(orders) == 0:
                return [loss(z, *rest)]
            with ExitStack() as stack:
                if max(orders) > 1:
                    outer = stack.enter_context(tf.GradientTape(persistent=True))
                    outer.watch(z)
                with tf.GradientTape() as inner:
                    inner.watch(z)
                    value = loss(z, *rest)
                    total = tf.reduce_sum(value)
                gradient = inner.gradient(total, z, unconnected_gradients=zero)
                if max(orders) > 1:
                    columns = [gradient[..., j] for j in range(z.shape[-1])]
            found = {0: value, 1: gradient}
            if max(orders) > 1:
                second = [outer.gradient(c, z, unconnected_gradients=zero) for c in columns]
                found[2] = tf.stack(second, axis=-1)
            return [found[order] for order in orders]

        if mode == "eager":
            return function
        if mode == "xla":
            return tf.function(function, jit_compile=True)  # type: ignore[no-any-return]
        graphs: dict[Any, Any] = {}

        def run(*given: Any) -> list[Any]:
            signature = tuple(
                tf.TensorSpec([None, *x.shape[1:]] if i < batched else x.shape, x.dtype)
                for i, x in enumerate(given)
            )
            if signature not in graphs:
                graphs[signature] = tf.function(function, input_signature=signature)
            return graphs[signature](*given)  # type: ignore[no-any-return]

        return run
