"""NumPy: values only."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightedce.validation.libraries.library import Library, NoDeviceError, Run


class NumPy(Library):
    """NumPy: values only."""

    name = "numpy"
    packages = ("numpy",)
    differentiable = False

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        if device != "cpu":
            raise NoDeviceError(f"device: numpy computes on the cpu only, got {device!r}")
        try:
            import ml_dtypes

            self.bfloat16: Any = ml_dtypes.bfloat16
        except ModuleNotFoundError:
            self.dtypes = ("float64", "float32")

    def array(self, x: Any, dtype: str | None = None) -> Any:
        x = np.asarray(x)
        if dtype is None or x.dtype.kind != "f":
            return x
        return x.astype(self.bfloat16 if dtype == "bfloat16" else dtype)

    def numpy(self, x: Any) -> np.ndarray:
        found = np.asarray(x)
        return found.astype("float32") if found.dtype.name == "bfloat16" else found

    def header(self, dtype: str) -> str:
        return (
            "import ml_dtypes\nimport numpy as np" if dtype == "bfloat16" else "import numpy as np"
        )

    def literal(self, values: str, dtype: str | None) -> str:
        if dtype is None:
            return f"np.array({values})"
        kind = "ml_dtypes.bfloat16" if dtype == "bfloat16" else f'"{dtype}"'
        return f"np.array({values}, dtype={kind})"

    def derivation(self, mode: str, order: int, names: Sequence[str]) -> str:  # noqa: ARG002
        return f"result = loss({', '.join(names)})"

    def prepare(
        self,
        mode: str,  # noqa: ARG002
        loss: Callable[..., Any],
        orders: tuple[int, ...],  # noqa: ARG002
        batched: int = 2,  # noqa: ARG002
    ) -> Run:
        return lambda *given: [loss(*given)]
