"""The kernels compile for a GPU that is not there; the interpreter takes more than a compiler."""

import pytest

pytest.importorskip("torch", reason="torch is not installed")
triton = pytest.importorskip("triton", reason="Triton is not installed")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from weightedce.backends.torch.triton import elements, labels, mass, rows  # noqa: E402

TARGET = GPUTarget("cuda", 90, 32)
TYPES = {
    **dict.fromkeys(
        ("class_weight", "sample_weight", "pos_weight", "neg_weight", "losses", "partial",
         "numbers", "upstream", "sums", "reduced"), "*fp32",
    ),
    **dict.fromkeys(
        ("weight", "gamma", "gamma_negative", "clip", "pos", "neg", "smoothing", "kept_part",
         "share"), "fp32",
    ),
    **dict.fromkeys(("sample_step", "mask_step", "rows", "size"), "i64"),
    **dict.fromkeys(("class_step", "upstream_step", "classes", "inner", "programs"), "i32"),
    "z": "*bf16",
    "gradient": "*bf16",
    "mask": "*i1",
    "ignore": ("i32", "i32"),
}  # fmt: skip
POWERS = {"COARSE": 1.5, "WHOLE": 0}
TILE = {"ROWS": 16, "CLASSES": 16}
BY_CLASS = {"SIGNED": False, **TILE}
SMOOTHED = {"SMOOTHED": True, "OF_TARGET": True, **BY_CLASS}
BINARY = {"OF_TARGET": True, "SKIP_NAN": True, "SIGNED": False, "ELEMENTS": 256, **POWERS}
BINARY |= {"COARSE_2": 0.0, "WHOLE_2": 4}

# kernel, what it is compiled for, types that are other than above
KERNELS = {
    "labels": (labels.labels_kernel, {"APART": False, "FOCAL": True, **POWERS, **BY_CLASS},
               {"labels": "*i64"}),
    "labels slope": (labels.labels_slope_kernel,
                     {"DIVISOR": 1, "FOCAL": True, "mask": None, **POWERS, **BY_CLASS},
                     {"labels": "*i64", "ignore": ()}),
    "mass": (mass.mass_kernel, {"HARD": False, "SKIP_NAN": True, "APART": True, **SMOOTHED},
             {"targets": "*fp32", "ignore": ()}),
    "mass of labels": (mass.mass_kernel,
                       {"HARD": True, "SKIP_NAN": False, "APART": False, "class_weight": None,
                        **SMOOTHED}, {"targets": "*i64"}),
    "mass slope": (mass.mass_slope_kernel, {"HARD": False, "DIVISOR": 2, **SMOOTHED},
                   {"targets": "*fp32", "ignore": ()}),
    "softplus": (elements.elements_kernel, {"BLOCK": 0, "APART": False, **BINARY},
                 {"targets": "*i64", "labels": "i32", "ignore": ("fp32",)}),
    "asymmetric": (elements.elements_kernel, {"BLOCK": 2, "APART": True, **BINARY},
                   {"targets": "*fp32", "labels": "i32", "ignore": ()}),
    "focal slope": (elements.elements_slope_kernel,
                    {"BLOCK": 1, "DIVISOR": 1, "neg_weight": None, **BINARY},
                    {"targets": "*fp32", "labels": "i32", "ignore": ()}),
    "finish": (rows.finish, {"DIVISOR": 2, "BLOCK": 64}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_compiles(name, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel, constants, types = KERNELS[name]
    signature = {x: "constexpr" if x in constants else (TYPES | types)[x] for x in kernel.arg_names}
    held = {(kernel.arg_names.index(x),): constants[x] for x in constants}
    source = ASTSource(fn=kernel, signature=signature, constexprs=held)
    made = triton.compile(source, target=TARGET, options={"enable_fp_fusion": True})
    assert made.asm["cubin"]
