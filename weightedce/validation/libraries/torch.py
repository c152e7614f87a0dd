"""PyTorch, eager and Inductor."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightedce.validation.libraries.library import Library, NoDeviceError, Run


class Torch(Library):
    """PyTorch; ``compile`` is Inductor, which has no second derivatives."""

    name = "torch"
    packages = ("torch",)
    modes = ("eager", "compile")
    slow = ("compile",)

    def __init__(self, device: str = "cpu") -> None:
        super().__init__(device)
        import torch
        import torch._dynamo  # and so Triton, which ends the process if TensorFlow came before it

        self.torch = torch
        self.place = torch.device("cuda" if device == "gpu" else device)
        try:
            torch.zeros(1, device=self.place)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).splitlines()[0]
            raise NoDeviceError(f"device: torch has no {device!r}: {reason}") from None

    def orders(self, mode: str) -> tuple[int, ...]:
        return (0, 1) if mode == "compile" else (0, 1, 2)

    def array(self, x: Any, dtype: str | None = None) -> Any:
        array = self.torch.tensor(np.asarray(x), device=self.place)
        if dtype is None or not array.is_floating_point():
            return array
        return array.to(getattr(self.torch, dtype))

    def numpy(self, x: Any) -> np.ndarray:
        x = x.detach().cpu()
        return np.asarray((x.float() if x.dtype == self.torch.bfloat16 else x).numpy())

    def dtype_name(self, x: Any) -> str:
        return str(x.dtype).removeprefix("torch.")

    def header(self, dtype: str) -> str:  # noqa: ARG002
        return "import torch"

    def literal(self, values: str, dtype: str | None) -> str:
        kind = f", dtype=torch.{dtype}" if dtype else ""
        place = "" if self.device == "cpu" else f', device="{self.place}"'
        return f"torch.tensor({values}{kind}{place})"

    def derivation(self, mode: str, order: int, names: Sequence[str]) -> str:
        lines = ["loss = torch.compile(loss, fullgraph=True)"] if mode == "compile" else []
        call = f"loss({', '.join(names)})"
        if order == 0:
            return "\n".join([*lines, f"result = {call}"])
        graph = ", create_graph=True" if order == 2 else ""
        lines.append("logits.requires_grad_()")
        lines.append(f"(result,) = torch.autograd.grad({call}.sum(), logits{graph})")
        if order == 2:
            lines += [
                "columns = [",
                "    torch.autograd.grad(result[..., j].sum(), logits, retain_graph=True)[0]",
                "    for j in range(logits.shape[-1])",
                "]",
                "result = torch.stack(columns, dim=-1)",
            ]
        return "\n".join(lines)

    def prepare(
        self,
        mode: str,
        loss: Callable[..., Any],
        orders: tuple[int, ...],
        batched: int = 2,  # noqa: ARG002
    ) -> Run:
        torch = self.torch
        function = torch.compile(loss, fullgraph=True) if mode == "compile" else loss

        def run(z: Any, *arrays: Any) -> list[Any]:
            z = z.detach().requires_grad_(max(orders) > 0)
            value = function(z, *arrays)
            found = {0: value.detach()}
            if max(orders) > 0:
                total = value.sum()
                # alone: a gradient that is to be differentiated may be computed in another way
                found[1] = self._derivative(total, z, retain_graph=max(orders) > 1)
            if max(orders) > 1:
                gradient = self._derivative(total, z, create_graph=True)
                columns = [self._derivative(gradient[..., j].sum(), z, retain_graph=True)
                           for j in range(z.shape[-1])]  # fmt: skip
                found[2] = torch.stack(columns, dim=-1)
            return [found[order] for order in orders]

        return self._many(run) if mode == "compile" else run

    def _derivative(self, total: Any, z: Any, **options: Any) -> Any:
        if not total.requires_grad:
            return self.torch.zeros_like(z)
        (found,) = self.torch.autograd.grad(total, z, allow_unused=True, **options)
        return self.torch.zeros_like(z) if found is None else found

    def _many(self, run: Run) -> Run:
        """Let one function be compiled for many losses: each is a closure of the same code."""
        config = self.torch._dynamo.config
        names = ("recompile_limit", "cache_size_limit", "accumulated_recompile_limit")
        raised = {name: 10_000 for name in names if hasattr(config, name)}

        def patched(*given: Any) -> list[Any]:
            with config.patch(raised):
                return run(*given)

        return patched
