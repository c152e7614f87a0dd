"""The kernels compile for a GPU that is not there; the interpreter takes more than a compiler."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
triton = pytest.importorskip("triton", reason="Triton is not installed")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.runtime.driver import driver  # noqa: E402
from triton.runtime.jit import JITFunction  # noqa: E402

from libraries import LONG  # noqa: E402
from weightedce.backends.torch.operands import Classes, Elements  # noqa: E402
from weightedce.backends.torch.triton import launch  # noqa: E402

Z, Y, Q = torch.zeros(8, 5), torch.zeros(8, dtype=torch.int64), torch.zeros(8, 5)
SAMPLE, WEIGHT, MASK = torch.ones(8, 1), torch.ones(5), torch.ones(8, dtype=torch.bool)
HALF = torch.bfloat16

LABELS = Classes(Z, Y, divisor="count")
MASSES = Classes(Z, Q, divisor="count", skip_nan=True)
MOVED = {"scale": WEIGHT, "by_label": True, "factor": 2.0, "shift": torch.ones(2, 5)}
ELEMENTS = Elements(
    Z, Q, None, None, None, None, [], 1, False, False, "count", 1.0, 0.5, 0.0, True, False,
    "softplus", [],
)  # fmt: skip
GIVEN = {
    "labels": LABELS,
    "labels, all": LABELS._replace(
        logits=Z.to(HALF), class_weight=WEIGHT, sample_weight=SAMPLE, mask=MASK, ignore=[-100, 7],
        number=1.5, signed=True, divisor="weight",
    ),
    "labels, moved": LABELS._replace(**MOVED, number=2.0),
    "poly, many": LABELS._replace(
        logits=torch.zeros(2, 4097), targets=Y[:2], form="poly", number=1.0, softcap=30.0,
        z_loss=0.1, apart=True,
    ),
    "behind": LABELS._replace(form="behind", margin=WEIGHT, factor=30.0),
    "labels, many": LABELS._replace(logits=torch.zeros(2, 4097), targets=Y[:2], apart=True),
    "distributions": MASSES,
    "smoothed": MASSES._replace(
        logits=Z.to(HALF), targets=Y, class_weight=WEIGHT, sample_weight=SAMPLE, mask=MASK,
        ignore=[-100], smoothing=0.1, of_target=False, skip_nan=False, apart=True,
    ),
    "smoothed, moved": MASSES._replace(
        targets=Y, smoothing=0.1, skip_nan=False, softcap=30.0, z_loss=0.1, **MOVED
    ),
    "elements": ELEMENTS,
    "focal": ELEMENTS._replace(
        logits=Z.to(HALF), targets=Q.to(torch.int32), pos_weight=WEIGHT, neg_weight=WEIGHT,
        sample_weight=SAMPLE, mask=MASK, ignore=[-1.0], smoothing=0.1, of_target=False,
        skip_nan=True, block="focal", numbers=[0.5],
    ),
    "asymmetric": ELEMENTS._replace(block="asymmetric", numbers=[1.0, 4.0, 0.05], apart=True),
}  # fmt: skip


class Absent:
    """What Triton asks of a device before it compiles."""

    def get_current_device(self):
        return 0

    def get_current_stream(self, _=0):
        return 0

    def get_current_target(self):
        return GPUTarget("cuda", 90, 32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return where Triton keeps what it compiled; what adds up is the same for many."""
    return tmp_path_factory.mktemp("triton")


@pytest.fixture
def compiled(cache, monkeypatch):
    """Compile what is launched, and no more; return what was made."""
    made = []

    def bound(kernel, grid):
        return lambda *given, **options: made.append(kernel.warmup(*given, grid=grid, **options))

    monkeypatch.setenv("TRITON_CACHE_DIR", str(cache))
    monkeypatch.setattr(JITFunction, "__getitem__", bound)
    monkeypatch.setattr(driver, "_active", Absent())
    return made


# of what these ask for, others ask for more
PLAIN = () if LONG else ("labels", "labels, many")


@pytest.mark.parametrize("name", [name for name in GIVEN if name not in PLAIN])
def test_kernels_compile_as_they_are_launched(name, compiled):
    given = GIVEN[name]
    operator = "elements"
    if isinstance(given, Classes):
        masses = given.targets.ndim > 1 or given.smoothing
        operator = "mass" if masses else "labels"
    loss, sums, rows = getattr(launch, operator)(given)
    place = torch.empty_like(given.logits)
    getattr(launch, f"{operator}_slope")(torch.ones_like(loss), sums, rows, place, given)
    assert len(compiled) == (2 if given.apart else 3)  # with the one that adds up
    assert all(kernel.asm["cubin"] for kernel in compiled)
