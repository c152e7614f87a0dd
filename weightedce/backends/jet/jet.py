"""A small array: of value, first and second derivative, carried along forwards.

What the derivatives are to, its way says:

- ``OWN``: to the logit in the same place. So it is from the seed on, as long as each element is
  made of one logit.
- ``WIDE``: of one number a row, to each of the row's logits, along an axis more, the last.
- ``ALONG``: of anything, to one class's logit in each row.
- no way: a constant, such as targets and weights are.

A jet that is ``OWN`` has nothing to say of a class that looks at another class: that raises
`MixedError`, and whoever seeded it goes through the classes one by one. A derivative that is the
same everywhere is a Python number; None is 0, and spares its steps.
"""

from typing import Any, ClassVar

import numpy as np

from weightedce.backends.handed import Array, MixedError
from weightedce.backends.jet.parts import negative, product, square, total

OWN, WIDE, ALONG = "own", "wide", "along"


class Jet:
    """An array of NumPy with its derivatives. Operators are those of the standard."""

    __slots__ = ("axis", "first", "low", "second", "value", "way")
    namespace: ClassVar[Any]  # which is made of jets
    __array_ufunc__ = None  # so that NumPy's arrays leave operators to us
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        value: Array,
        first: Array = None,
        second: Array = None,
        way: str | None = None,
        axis: int = -1,
    ) -> None:
        self.value, self.first, self.second = value, first, second
        self.way, self.axis = way, axis  # where the classes of the logits are, from the front
        self.low: Array = None  # what the value lacks of -log p: half its size in ulp of exp(-L)

    # --- what it is ---

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the value."""
        return np.shape(self.value)

    @property
    def wide(self) -> bool:
        """Whether the derivatives have an axis more, the logits of a row."""
        return self.way == WIDE

    @property
    def ndim(self) -> int:
        """Return the number of axes."""
        return np.ndim(self.value)

    @property
    def dtype(self) -> Any:
        """Return the dtype of all three."""
        return self.value.dtype

    def __array_namespace__(self, **_: Any) -> Any:
        """Return the functions of jets."""
        return self.namespace

    def __repr__(self) -> str:
        return f"Jet({self.value!r}, {self.first!r}, {self.second!r})"

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return int(self.value)

    def __getitem__(self, index: Any) -> "Jet":
        index = index.value if isinstance(index, Jet) else index
        if self.way in (None, ALONG):
            shape = self.shape
            first, second = (
                np.broadcast_to(x, shape)[index] if isinstance(x, np.ndarray) else x
                for x in (self.first, self.second)
            )
            return self.like(self.value[index], first, second)
        raise MixedError

    # --- arithmetic ---

    def like(self, value: Array, first: Array, second: Array) -> "Jet":
        """Return a jet of the same way."""
        return Jet(value, first, second, self.way, self.axis)

    def chained(self, value: Array, slope: Array, bend: Array) -> "Jet":
        """Return a function of the jet by its value and its derivatives."""
        if self.way is None:
            return Jet(value)
        slope, bend = self.raised(slope), self.raised(bend)
        second = product(bend, square(self.first))
        return self.like(
            value, product(self.first, slope), total(second, product(self.second, slope))
        )

    def raised(self, values: Array) -> Array:
        """Return values, of the value's shape, beside the derivatives."""
        wide = self.way == WIDE and isinstance(values, np.ndarray | np.generic)
        return values[..., None] if wide else values

    def __neg__(self) -> "Jet":
        found = self.like(-self.value, negative(self.first), negative(self.second))
        found.low = negative(self.low)
        return found

    def __pos__(self) -> "Jet":
        return self

    def __add__(self, other: Any) -> "Jet":
        other = jet(other)
        way = joined(self, other)
        value = self.value + other.value
        if way.way is None:
            return Jet(value)
        return way.like(value, total(self.first, other.first), total(self.second, other.second))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Jet":
        other = jet(other)
        way = joined(self, other)
        value = self.value - other.value
        if way.way is None:
            return Jet(value)
        first = total(self.first, negative(other.first))
        return way.like(value, first, total(self.second, negative(other.second)))

    def __rsub__(self, other: Any) -> "Jet":
        return jet(other) - self

    def __mul__(self, other: Any) -> "Jet":
        other = jet(other)
        way = joined(self, other)
        value = self.value * other.value
        if way.way is None:
            return Jet(value)
        mine, theirs = way.raised(self.value), way.raised(other.value)
        first = total(product(self.first, theirs), product(other.first, mine))
        cross = product(self.first, other.first)
        second = total(product(self.second, theirs), product(other.second, mine))
        return way.like(value, first, total(second, None if cross is None else 2.0 * cross))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Jet":
        other = jet(other)
        way = joined(self, other)
        value = self.value / other.value
        if way.way is None:
            return Jet(value)
        quotient, below = way.raised(value), way.raised(other.value)
        first = total(self.first, negative(product(other.first, quotient)))
        first = first if first is None else first / below
        second = total(self.second, negative(product(other.second, quotient)))
        cross = product(first, other.first)
        second = total(second, None if cross is None else -2.0 * cross)
        return way.like(value, first, second if second is None else second / below)

    def __rtruediv__(self, other: Any) -> "Jet":
        return jet(other) / self

    def __pow__(self, exponent: Any) -> "Jet":
        exponent = jet(exponent)
        if exponent.way is not None:
            raise TypeError("expected a constant exponent, got one that is made of logits")
        n, base = exponent.value, self.value
        if self.way is None:
            return Jet(base**n)
        if isinstance(n, float | int) and n in (0.0, 1.0):
            return self * 1.0 if n else Jet(base**n)
        if isinstance(n, float | int) and float(n).is_integer() and 2 <= n <= 8:
            bend, slope = 1.0, base  # by products: a power takes NumPy ten times as long
            for _ in range(int(n) - 2):
                bend, slope = slope, slope * base
            return self.chained(slope * base, n * slope, n * (n - 1.0) * bend)
        return self.chained(base**n, n * base ** (n - 1.0), n * (n - 1.0) * base ** (n - 2.0))

    def __rpow__(self, base: Any) -> "Jet":
        value, log = base**self.value, np.log(base)
        return self.chained(value, value * log, value * log**2)

    def __abs__(self) -> "Jet":
        return self.chained(np.abs(self.value), np.sign(self.value), None)

    def __matmul__(self, other: Any) -> "Jet":
        return Jet(plain(self) @ plain(other))

    # --- comparisons, of values: constants ---

    def __lt__(self, other: Any) -> "Jet":
        return Jet(self.value < jet(other).value)

    def __le__(self, other: Any) -> "Jet":
        return Jet(self.value <= jet(other).value)

    def __gt__(self, other: Any) -> "Jet":
        return Jet(self.value > jet(other).value)

    def __ge__(self, other: Any) -> "Jet":
        return Jet(self.value >= jet(other).value)

    def __eq__(self, other: object) -> "Jet":  # type: ignore[override]
        return Jet(self.value == jet(other).value)

    def __ne__(self, other: object) -> "Jet":  # type: ignore[override]
        return Jet(self.value != jet(other).value)

    def __and__(self, other: Any) -> "Jet":
        return Jet(self.value & jet(other).value)

    __rand__ = __and__

    def __or__(self, other: Any) -> "Jet":
        return Jet(self.value | jet(other).value)

    __ror__ = __or__

    def __invert__(self) -> "Jet":
        return Jet(~self.value)

    def __floordiv__(self, other: Any) -> "Jet":
        return Jet(plain(self) // plain(other))


def jet(value: Any) -> Jet:
    """Return what is no jet as a constant one."""
    return value if type(value) is Jet else Jet(value)


def plain(value: Any) -> Any:
    """Return the value of a constant; MixedError for what has a derivative that would be lost."""
    if type(value) is not Jet:
        return value
    if value.way is not None:
        raise MixedError
    return value.value


def joined(a: Jet, b: Jet) -> Jet:
    """Return the one whose way is that of both, and that knows where the classes are."""
    if b.way is None:
        return a
    if a.way is None:
        return b
    if a.way != b.way:
        raise MixedError
    return a if a.axis >= 0 else b
