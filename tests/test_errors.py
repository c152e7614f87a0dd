"""Bad input: an error that names the argument, what came and what was expected."""

import numpy as np
import pytest

import weightedce as w
from test_semantics import LABELS, Y, Z

NAN = np.where(np.arange(12).reshape(4, 3) == 3, np.nan, Y)

BAD = {
    "logits-list": (TypeError, "logits.*list", lambda a: w.cross_entropy([0.0, 1.0], 1)),
    "logits-float": (TypeError, "logits.*float", lambda a: w.binary_cross_entropy(0.5, 1)),
    "logits-int": (
        TypeError,
        "logits.*float32.*got int64",
        lambda a: w.cross_entropy(a(LABELS[:, None]), a(LABELS)),
    ),
    "float-labels": (
        ValueError,
        r"targets.*whole numbers in 0..2, got targets\[0\] = 2.5",
        lambda a: w.cross_entropy(a(Z), a(LABELS + 0.5)),
    ),
    "null-labels": (
        ValueError,
        r"targets\[0\] = nan.*ignore_index=float",
        lambda a: w.cross_entropy(a(Z), a(np.where(LABELS == 2, np.nan, LABELS))),
    ),
    "nan-targets": (
        ValueError,
        r"targets\[1, 0\] = nan.*ignore_index=float",
        lambda a: w.binary_cross_entropy(a(Z), a(NAN)),
    ),
    "nan-shares": (
        ValueError,
        r"targets\[1, 0\] = nan.*ignore_index=float",
        lambda a: w.cross_entropy(a(Z), a(NAN)),
    ),
    "nan-shares-linear": (
        ValueError,
        r"targets\[1, 0\] = nan.*ignore_index=float",
        lambda a: w.linear_cross_entropy(a(Z), a(np.eye(3)), a(NAN)),
    ),
    "map": (
        ValueError,
        r"targets.*\(2, 3, 8\).*axis=3.*pass axis=1.*\(2, 8, 8\)",
        lambda a: w.cross_entropy(a(np.zeros((2, 3, 8, 8))), a(np.zeros((2, 8, 8), int))),
    ),
    "ignored-too": (
        ValueError,
        r"targets\[1\] = 255; ignore_index is -100.*ignore_index=\(-100, 255\)",
        lambda a: w.cross_entropy(a(Z), a(np.array([0, 255, 1, 2])), ignore_index=-100),
    ),
    "to-ignore": (
        ValueError,
        r"targets\[0\] = -1; .*ignore_index=-1",
        lambda a: w.cross_entropy(a(Z), a(np.array([-1, 0, 1, 2]))),
    ),
    "mask-null": (
        ValueError,
        "mask.*NaN",
        lambda a: w.cross_entropy(a(Z), a(LABELS), mask=[True, None, False, True]),
    ),
    "bool-labels": (
        TypeError,
        "targets.*integer.*bool",
        lambda a: w.cross_entropy(a(Z), a(LABELS > 1)),
    ),
    "words": (TypeError, "targets.*str", lambda a: w.cross_entropy(a(Z), ["a", "b", "c", "d"])),
    "frame": (
        TypeError,
        "sample_weight.*dict",
        lambda a: w.cross_entropy(a(Z), a(LABELS), sample_weight={0: 1}),
    ),
    "no-axis": (ValueError, "axis.*got 2", lambda a: w.cross_entropy(a(Z), a(LABELS), axis=2)),
    "no-axis-binary": (
        ValueError,
        "axis.*got 5",
        lambda a: w.binary_cross_entropy(a(Z), a(Y), pos_weight=[1, 2, 3], axis=5),
    ),
    "axis-type": (TypeError, "axis.*'1'", lambda a: w.cross_entropy(a(Z), a(LABELS), axis="1")),
    "no-classes": (
        ValueError,
        "logits.*at least 1",
        lambda a: w.cross_entropy(a(np.zeros((2, 0))), a(LABELS[:2])),
    ),
    "reduction": (
        ValueError,
        "reduction.*weighted_mean.*'avg'",
        lambda a: w.cross_entropy(a(Z), a(LABELS), reduction="avg"),
    ),
    "smoothing": (
        ValueError,
        "label_smoothing.*1.5",
        lambda a: w.cross_entropy(a(Z), a(LABELS), label_smoothing=1.5),
    ),
    "smoothing-type": (
        TypeError,
        "label_smoothing.*str",
        lambda a: w.binary_cross_entropy(a(Z), a(Y), label_smoothing="a lot"),
    ),
    "policy": (
        ValueError,
        "smoothing_weight.*'both'",
        lambda a: w.cross_entropy(a(Z), a(LABELS), smoothing_weight="both"),
    ),
    "negative-weight": (
        ValueError,
        "pos_weight.*-1",
        lambda a: w.binary_cross_entropy(a(Z), a(Y), pos_weight=-1),
    ),
    "nan-weight": (
        ValueError,
        "class_weight.*nan",
        lambda a: w.cross_entropy(a(Z), a(LABELS), class_weight=[1.0, np.nan, 1.0]),
    ),
    "ignored-distribution": (
        ValueError,
        "ignore_index.*mask",
        lambda a: w.cross_entropy(a(Z), a(Y), ignore_index=0),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(library, name):
    kind, message, call = BAD[name]
    with pytest.raises(kind, match=message):
        call(library.array)


MORE = {
    "ragged": (ValueError, "targets.*rows of one length", {"targets": [[0, 1], [1]]}),
    "huge": (ValueError, "sample_weight", {"sample_weight": 10**400}),
    "ignore-word": (TypeError, "ignore_index.*str", {"ignore_index": "0"}),
    "ignore-float": (TypeError, "ignore_index.*float", {"ignore_index": 1.5}),
    "ignore-list": (TypeError, "ignore_index.*str", {"ignore_index": [1, "0"]}),
    "ignore-bool": (TypeError, "ignore_index.*bool", {"ignore_index": True}),
    "ignore-huge": (ValueError, "ignore_index.*32 bits", {"ignore_index": 2**70}),
    "axis-bool": (TypeError, "axis.*bool", {"axis": True}),
}


@pytest.mark.parametrize("name", MORE)
def test_bad_options_are_named(library, name):
    kind, message, options = MORE[name]
    options = {"targets": library.array(LABELS)} | options
    with pytest.raises(kind, match=message):
        w.cross_entropy(library.array(Z), **options)


def test_bad_options_of_binary_losses_are_named(library):
    z, y = library.array(Z), library.array(Y)
    with pytest.raises(ValueError, match=r"ignore_index.*inf"):
        w.binary_cross_entropy(z, y, ignore_index=np.inf)
    with pytest.raises(ValueError, match=r"axis.*7"):
        w.binary_cross_entropy(z, y, axis=7)
    scalar = w.binary_cross_entropy(library.array(np.array(0.0)), 1, pos_weight=2.0)
    assert float(scalar) == pytest.approx(2 * np.log(2))


def test_numbers_of_every_kind(library):
    from fractions import Fraction

    z, y = library.array(Z), library.array(LABELS)
    kinds = [np.int64(1), Fraction(5, 2), np.float32(0.5)]
    got = w.cross_entropy(z, y, class_weight=kinds, axis=np.int64(1))
    assert float(got) == float(w.cross_entropy(z, y, class_weight=[1.0, 2.5, 0.5]))
    assert float(w.cross_entropy(library.array(np.zeros((0, 3))), [])) == 0.0


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="masked array"):
        w.binary_cross_entropy(np.ma.masked_array([0.0, 100.0], mask=[0, 1]), [0, 0])


def sparse(library):
    """Return what makes arrays of a library into such as are not dense."""
    if library.name == "torch":
        torch = library.torch
        ragged = [torch.zeros(3), torch.zeros(2)]
        return {
            "pairs": lambda x: x.to_sparse(),
            "csr": lambda x: x.to_sparse_csr(),
            "nested": lambda _: torch.nested.nested_tensor(ragged),
            "jagged": lambda _: torch.nested.nested_tensor(ragged, layout=torch.jagged),
        }
    if library.name == "jax":
        from jax.experimental import sparse

        return {"bcoo": sparse.BCOO.fromdense, "bcsr": sparse.BCSR.fromdense}
    if library.name == "tensorflow":
        tf = library.tf
        return {"sparse": tf.sparse.from_dense, "ragged": tf.RaggedTensor.from_tensor}
    from scipy import sparse

    return {"csr": lambda x: sparse.csr_array(np.asarray(x))}


# torch's own: both of its layouts are beta
@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage")
def test_what_is_not_dense_is_refused_by_its_name(library):
    z, y = library.array(Z), library.array(np.eye(3)[LABELS])
    weight = library.array(np.eye(3))
    for made in sparse(library).values():
        few = made(y)
        for loss in (w.binary_cross_entropy, w.cross_entropy, w.focal_loss, w.dice_loss):
            with pytest.raises(TypeError, match=r"^logits: expected"):
                loss(few, y)
            with pytest.raises(TypeError, match=r"^targets: expected"):
                loss(z, few)
        with pytest.raises(TypeError, match=r"^sample_weight: expected"):
            w.binary_cross_entropy(z, y, sample_weight=few)
        with pytest.raises(TypeError, match=r"^hidden: expected"):
            w.linear_cross_entropy(few, weight, y)
        with pytest.raises(TypeError, match=r"^weight: expected"):
            w.linear_cross_entropy(z, made(weight), y)
        with pytest.raises(TypeError, match=r"^labels: expected"):
            w.class_counts(few, 3)


@pytest.mark.filterwarnings("ignore:.*beta state:UserWarning", "ignore:.*prototype stage")
def test_modules_refuse_what_is_not_dense_by_the_names_of_torch():
    from libraries import LIBRARIES

    if "torch" not in LIBRARIES:
        pytest.skip("no torch")
    import weightedce.torch as wt

    library = LIBRARIES["torch"]
    z, y = library.array(Z), library.array(np.eye(3)[LABELS])
    for made in sparse(library).values():
        for name in ("CrossEntropyLoss", "BCEWithLogitsLoss", "FocalLoss", "DiceLoss"):
            criterion = getattr(wt, name)()
            with pytest.raises(TypeError, match=r"^input: expected a dense tensor"):
                criterion(made(y), y)
            with pytest.raises(TypeError, match=r"^target: expected a dense tensor"):
                criterion(z, made(y))
        with pytest.raises(TypeError, match=r"^weight: expected a dense tensor"):
            wt.CrossEntropyLoss(made(y))
    with pytest.raises(TypeError, match=r"^target: "):
        wt.CrossEntropyLoss()(z, None)


def test_matrices_are_refused():
    """All their results have two axes."""
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.asmatrix(Z)
    for name, call in {
        "logits": lambda: w.cross_entropy(matrix, LABELS),
        "class_weight": lambda: w.cross_entropy(Z, LABELS, class_weight=matrix[0]),
        "labels": lambda: w.class_counts(matrix, 3),
    }.items():
        with pytest.raises(TypeError, match=rf"{name}: got a numpy.matrix.*numpy.asarray"):
            call()


@pytest.mark.parametrize("dtype", ["U1", "M8[s]", "complex64"])
def test_dtypes_that_are_no_numbers_are_named(library, dtype):
    labels = np.array([0, 2, 1, 1]).astype("U1" if dtype == "U1" else int).astype(dtype)
    with pytest.raises(TypeError, match=r"^targets: expected real numbers, got dtype"):
        w.cross_entropy(library.array(Z), labels)


def test_numbers_beyond_all_floats_are_out_of_range():
    with pytest.raises(ValueError, match=r"gamma: expected 0 <= gamma"):
        w.focal_loss(Z, LABELS, gamma=10**400)
    with pytest.raises(ValueError, match=r"fp: expected a finite number"):
        w.cost_threshold(fp=10**400, fn=1)


def test_one_logit_is_no_softmax():
    with pytest.raises(ValueError, match=r"logits: expected an axis -1, got one number"):
        w.cross_entropy(np.array(1.0), 0)


def test_sums_do_not_scale_and_fit_their_kind():
    total = w.cross_entropy(Z, LABELS, reduction="total")
    counts = w.soft_confusion(Z, Y)
    for sums in (total, counts):
        for call in (lambda x: 2 * x, lambda x: x * 2, lambda x: x * 0.5):
            with pytest.raises(TypeError, match=rf"{type(sums).__name__}: expected \+"):
                call(sums)
    with pytest.raises(ValueError, match="other: expected counts of the same labels"):
        counts + w.soft_confusion(Z, Y, axis=1)
