"""JAX, op by op and jit."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from weightedce.validation.libraries.library import Library, NoDeviceError, Run


class JAX(Library):
    """JAX; float64 exists inside `scope` only, unless the user has switched it on."""

    name = "jax"
    packages = ("jax",)
    modes = ("eager", "jit")

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        import jax

        self.jax = jax
        try:
            self.place = jax.devices(device)[0]
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise NoDeviceError(f"device: jax has no {device!r}: {reason}") from None

    def scope(self, dtype: str) -> AbstractContextManager[Any]:
        if dtype != "float64":
            return nullcontext()
        wide: AbstractContextManager[Any]
        if hasattr(self.jax, "enable_x64"):
            wide = self.jax.enable_x64(True)
        else:  # before JAX 0.8
            from jax.experimental import enable_x64

            wide = enable_x64()
        return wide

    def array(self, x: Any, dtype: str | None = None) -> Any:
        x = np.asarray(x)
        kind = self.jax.numpy.dtype(dtype) if dtype and x.dtype.kind == "f" else None
        return self.jax.device_put(self.jax.numpy.asarray(x, dtype=kind), self.place)

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.astype("float32") if x.dtype.name == "bfloat16" else x)

    def header(self, dtype: str) -> str:
        lines = ["import jax", "import jax.numpy as jnp"]
        if dtype == "float64":
            lines += ["", 'jax.config.update("jax_enable_x64", True)']
        return "\n".join(lines)

    def literal(self, values: str, dtype: str | None) -> str:
        kind = f', dtype="{dtype}"' if dtype else ""
        return f"jnp.array({values}{kind})"

    def derivation(self, mode: str, order: int, names: Sequence[str]) -> str:
        lines = []
        function = "loss"
        if order:
            lines.append("gradient = jax.grad(lambda *arrays: loss(*arrays).sum())")
            function = "gradient"
        if order == 2:
            lines += [
                "",
                "",
                "def second(logits, *rest):",
                "    def column(e):",
                "        along = jnp.broadcast_to(e, logits.shape)",
                "        return jax.jvp(lambda z: gradient(z, *rest), (logits,), (along,))[1]",
                "",
                "    basis = jnp.eye(logits.shape[-1], dtype=logits.dtype)",
                "    return jax.vmap(column, out_axes=-1)(basis)",
                "",
                "",
            ]
            function = "second"
        function = f"jax.jit({function})" if mode == "jit" else function
        return "\n".join([*lines, f"result = {function}({', '.join(names)})"])

    def prepare(
        self,
        mode: str,
        loss: Callable[..., Any],
        orders: tuple[int, ...],
        batched: int = 2,  # noqa: ARG002
    ) -> Run:
        jax = self.jax
        first = jax.grad(lambda z, *rest: loss(z, *rest).sum())

        def second(z: Any, *rest: Any) -> Any:
            # Forward over reverse: both modes are tested, and vmap where it is compiled. Op by
            # op, vmap would only add shapes, for each of which every operation is compiled.
            basis = jax.numpy.eye(z.shape[-1], dtype=z.dtype)

            def column(direction: Any) -> Any:
                along = jax.numpy.broadcast_to(direction, z.shape)
                return jax.jvp(lambda z: first(z, *rest), (z,), (along,))[1]

            if mode == "jit":
                return jax.vmap(column, out_axes=-1)(basis)
            return jax.numpy.stack([column(direction) for direction in basis], axis=-1)

        derivatives = (loss, first, second)

        def run(*given: Any) -> list[Any]:
            return [derivatives[order](*given) for order in orders]

        return jax.jit(run) if mode == "jit" else run
