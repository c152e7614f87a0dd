"""Weights of labels and examples, counters, data frames, Dask, and bad arguments."""

import json
import timeit
import tracemalloc
from collections import Counter
from unittest import mock

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import weightedce as w
from libraries import modes_of
from weightedce.weights import in_memory

LABELS = np.array([[0, 2, 0], [0, 3, 2]])

TARGETS = np.array([[0, 1, 0, 1], [0, 0, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]])


@pytest.mark.parametrize("dtype", ["int64", "float64", "bool"])
def test_pos_weights_on_every_library(library, dtype):
    def weights(targets, **options):
        return np.asarray(w.pos_weights(library.array(targets.astype(dtype)), **options))

    np.testing.assert_array_equal(weights(TARGETS), [3, 1, 4, 0])
    np.testing.assert_array_equal(weights(TARGETS, cap=2.5), [2.5, 1, 2.5, 0])
    np.testing.assert_array_equal(weights(TARGETS.T, axis=0), [3, 1, 4, 0])
    np.testing.assert_array_equal(weights(TARGETS[:, 0]), 3)
    np.testing.assert_array_equal(weights(TARGETS[:0]), [0, 0, 0, 0])
    mask = library.array(np.array([True, True, True, False]))
    np.testing.assert_array_equal(weights(TARGETS, mask=mask), [2, 2, 3, 0])
    images = np.stack([TARGETS, TARGETS], axis=1)
    np.testing.assert_array_equal(weights(images), [3, 1, 8, 0])
    np.testing.assert_array_equal(weights(images.swapaxes(1, 2), axis=1), [3, 1, 8, 0])
    given = library.array(TARGETS)
    assert w.namespace_of(w.pos_weights(given)) is w.namespace_of(given)


def test_pos_weights_of_lists_and_of_what_is_removed():
    assert w.pos_weights(TARGETS.tolist()) == [3, 1, 4, 0]
    assert w.pos_weights([0, 0, 1]) == 2
    assert w.pos_weights([[0.5], [0.0]]) == [3]
    ignoring = np.where(TARGETS[0] == TARGETS, TARGETS, -1)
    assert w.pos_weights(ignoring.tolist(), ignore_index=-1) == [3, 0, 4, 0]
    assert w.pos_weights([[0, 9], [1, 0]], mask=[[1, 0], [1, 1]]) == [1, 1]
    assert w.pos_weights([[0, np.nan], [1, 0]], mask=[[1, 0], [1, 1]]) == [1, 1]


def test_pos_weights_balance_each_label():
    rng = np.random.default_rng(0)
    targets = rng.random((200, 3)) < [0.5, 0.1, 0.02]
    weights = w.pos_weights(targets)
    positive = (targets * weights).sum(axis=0)
    np.testing.assert_allclose(positive, (~targets).sum(axis=0), rtol=1e-14)


def test_pos_weights_inside_a_compiled_step(differentiable):
    def step(z, targets):
        weights = w.pos_weights(targets, cap=3.5)
        return w.binary_cross_entropy(z, targets, pos_weight=weights)

    z = np.random.default_rng(0).normal(size=(4, 4)).astype("float32")
    expected = w.binary_cross_entropy(z, TARGETS, pos_weight=np.array([3, 1, 3.5, 0]))
    for mode in modes_of(differentiable):
        got = differentiable.evaluate(mode, step, z, [TARGETS])
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    bad = TARGETS + np.array([0, 0, 0, 1])
    for mode in modes_of(differentiable, compiled=True):
        assert np.isnan(differentiable.evaluate(mode, step, z, [bad]))


@given(
    labels=st.lists(st.lists(st.sampled_from([0, 1, 2, 3, 4, 255]), max_size=9), max_size=6),
    cut=st.integers(0, 6),
)
def test_counter_equals_the_count_at_once(labels, cut):
    flat = [y for piece in labels for y in piece]
    expected = w.class_counts(flat, 5, ignore_index=255)
    parts = [w.ClassCounter(5, ignore_index=255) for _ in range(2)]
    for i, piece in enumerate(labels):
        assert parts[i >= cut].update(piece) is parts[i >= cut]
    whole = parts[0] + parts[1]
    assert whole.counts == expected
    assert sum(parts) == whole
    assert type(whole).from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    assert (parts[0] == whole) == (parts[1].counts == [0] * 5)
    before = parts[1].counts
    assert parts[0].merge(parts[1]) is parts[0]
    assert parts[0] == whole
    assert parts[1].counts == before


def test_counter_on_every_library(library):
    counter = w.ClassCounter(4).update(library.array(LABELS)).update([3])
    assert counter.counts == [3, 0, 2, 2]
    assert all(type(n) is int for n in counter.counts)
    small = library.array(np.array([255, 0, 7], dtype="uint8"))
    assert w.ClassCounter(256, ignore_index=7).update(small).counts == [1] + [0] * 254 + [1]


def test_counter_holds_one_array_of_64_bits():
    huge = w.ClassCounter.from_dict({"counts": [2**62, 0], "ignore_index": None})
    assert huge.update([0, 1]).counts == [2**62 + 1, 1]
    with pytest.raises(ValueError, match="state"):
        w.ClassCounter.from_dict({"counts": [2**63], "ignore_index": None})


def test_counter_of_many_classes_is_fast():
    """7.2 ms a batch when it was a list of Python's integers."""
    counter, labels = w.ClassCounter(100_000), np.arange(512)
    seconds = min(timeit.repeat(lambda: counter.update(labels), number=5, repeat=20)) / 5
    assert seconds < 2e-3


def test_counter_is_left_alone_by_errors_and_callers():
    counter = w.ClassCounter(2).update([0, 1, 1])
    with pytest.raises(ValueError, match=r"labels\[1\] = 2"):
        counter.update(np.array([0, 2]))
    counter.counts.append(7)
    counter.to_dict()["counts"].append(7)
    assert counter.counts == [1, 2]
    assert repr(counter) == "ClassCounter(2, counts=[1, 2])"
    assert (
        repr(w.ClassCounter(1, ignore_index=-1)) == "ClassCounter(1, ignore_index=-1, counts=[0])"
    )
    assert counter != [1, 2]


def test_columns_of_a_data_frame():
    frame = pd.DataFrame({"label": [0, 2, 0], "a": [0, 0, 1], "b": [1, 1, 0]}, index=[7, 5, 9])
    counts = w.class_counts(frame["label"], 3)
    assert isinstance(counts, np.ndarray)
    assert counts.tolist() == [2, 0, 1]
    assert w.ClassCounter(3).update(frame["label"]).counts == [2, 0, 1]
    assert w.pos_weights(frame[["a", "b"]]).tolist() == [2, 0.5]
    assert w.pos_weights([[0, 1]] * 3, mask=frame["a"]) == [1, 0]
    assert w.sample_weights(frame["label"], [1.0, 2.0, 3.0]).tolist() == [1, 3, 1]
    # value_counts sorts by frequency: its index says which class is which
    counts = frame["label"].value_counts()
    np.testing.assert_array_equal(w.balanced(counts), w.balanced([2, 0, 1]))


NULLS = {
    "pandas": lambda x: pd.Series(x),
    "pandas, nullable": lambda x: pd.Series(x, dtype="Int64"),
    "pandas, Arrow": lambda x: pd.Series(x, dtype="int64[pyarrow]"),
    "polars": pl.Series,
    "Arrow": pa.array,
    "Arrow, in chunks": lambda x: pa.chunked_array([x[:1], x[1:]]),
    "list": list,
    "objects": lambda x: np.array(x, dtype=object),
}


@pytest.mark.parametrize("form", NULLS)
def test_nulls_are_named_or_left_out(form):
    labels = NULLS[form]([0, 2, None, 0])
    with pytest.raises(ValueError, match=r"labels\[2\] = nan.*null.*ignore_index"):
        w.class_counts(labels, 3)
    assert list(w.class_counts(labels, 3, ignore_index=np.nan)) == [2, 0, 1]
    assert list(w.class_counts(labels, ignore_index=np.nan)) == [2, 0, 1]
    counter = w.ClassCounter(3, ignore_index=(np.nan, 2)).update(labels)
    assert counter.counts == [2, 0, 0]
    assert (counter + counter).counts == [4, 0, 0]
    targets = NULLS[form]([0, 1, None, 1])
    assert w.pos_weights(targets, ignore_index=np.nan) == 0.5


def test_tables_of_columns():
    columns = {"a": [0, 0, 1], "b": [1, 1, 0]}
    for table in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert w.pos_weights(table).tolist() == [2, 0.5]
    with pytest.raises(TypeError, match=r"labels.*'cat'.*codes"):
        w.class_counts(pd.Series(["cat", "dog"]), 2)
    assert w.class_counts(pd.Series([3, 1, 3]).astype("category")).tolist() == [0, 1, 0, 2]


def test_a_column_of_dask():
    import dask.dataframe as dd

    column = dd.from_pandas(pd.Series([0, 2, 0, 1]), npartitions=2)
    assert w.class_counts(column, 3).compute().tolist() == [2, 1, 1]
    assert w.ClassCounter(3).update(column).counts == [2, 1, 1]
    with pytest.raises(ValueError, match=r"num_classes.*lazy"):
        w.class_counts(column)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", "bool"])
def test_labels_of_any_dtype_that_holds_them(library, dtype):
    labels = np.array([0, 1, 1], dtype=dtype)
    assert np.asarray(w.class_counts(library.array(labels), 2)).tolist() == [1, 2]
    assert np.asarray(w.class_counts(library.array(labels))).tolist() == [1, 2]


def test_one_hot_is_no_label(library):
    one_hot = np.eye(2, dtype=int)[[0, 0, 0, 1]]
    for labels in (one_hot, library.array(one_hot), one_hot.tolist(), one_hot.astype(float)):
        with pytest.raises(ValueError, match=r"labels.*one-hot.*\(4, 2\).*argmax\(1\)"):
            w.class_counts(labels, 2)
        with pytest.raises(ValueError, match="one-hot"):
            w.class_counts(labels)
    with pytest.raises(ValueError, match=r"one-hot.*argmax\(1\)"):
        w.class_counts(np.eye(3, dtype=int)[np.zeros((2, 4), int)].swapaxes(1, 2), 3)


def test_labels_are_no_counts():
    labels = [0, 1, 1, 0, 0, 0]
    for column in (pd.Series(labels), pl.Series(labels), pa.array(labels), np.array(labels) > 0):
        with pytest.raises(ValueError, match=r"counts.*6 labels.*class_counts"):
            w.balanced(column)
    with pytest.raises(ValueError, match=r"counts.*4 labels"):
        w.balanced(pd.Series(labels[:4]))
    with pytest.raises(ValueError, match=r"class_weight.*\(6,\).*class_counts"):
        w.cross_entropy(np.zeros((6, 2)), labels, class_weight=w.balanced(labels))


def test_counts_by_class():
    expected = w.balanced([2, 0, 1])
    assert w.balanced(Counter([0, 0, 2])) == expected
    assert w.balanced({0: 2, 2: 1}) == expected
    assert w.sample_weights([0, 2], {0: 1, 2: 4}) == [1, 4]


def test_dask_arrays_are_counted_block_by_block():
    """32 blocks of 8 MB: what is held at once stays far below the whole."""
    import dask
    import dask.array as da

    blocks, size = 32, 2**20
    labels = da.map_blocks(
        lambda block_info: np.arange(size) % (block_info[None]["chunk-location"][0] % 5 + 1),
        chunks=((size,) * blocks,),
        dtype="int64",
        meta=np.empty(0, "int64"),
    )
    expected = sum(np.bincount(np.arange(size) % (i % 5 + 1), minlength=6) for i in range(blocks))
    with dask.config.set(scheduler="synchronous"):
        tracemalloc.start()
        counts = w.class_counts(labels, 6)
        assert isinstance(counts, da.Array)
        weights = w.balanced(counts)
        assert isinstance(weights, da.Array)
        assert tracemalloc.get_traced_memory()[1] < 8 * size  # nothing is computed yet
        np.testing.assert_array_equal(counts.compute(), expected)
        np.testing.assert_array_equal(weights.compute(), w.balanced(expected))
        assert w.ClassCounter(6).update(labels).counts == expected.tolist()
        assert tracemalloc.get_traced_memory()[1] < 8 * size * blocks / 4
        tracemalloc.stop()


def test_dask_labels_and_targets():
    import dask.array as da

    lazy = da.from_array(LABELS, chunks=(1, 2))
    assert w.class_counts(lazy, 4).compute().tolist() == [3, 0, 2, 1]
    assert w.class_counts(lazy, 4, ignore_index=3).compute().tolist() == [3, 0, 2, 0]
    assert w.class_counts(lazy - 1, 2).compute().tolist() == [0, 2]  # -1 and 2 are outside
    assert w.class_counts(lazy[lazy > 0], 4).compute().tolist() == [0, 0, 2, 1]  # size unknown
    with pytest.raises(ValueError, match=r"labels.*0\.\.2.*1 others"):
        w.ClassCounter(3).update(lazy)
    weights = w.pos_weights(da.from_array(TARGETS, chunks=2), cap=2.0)
    assert isinstance(weights, da.Array)
    assert weights.compute().tolist() == [2, 1, 2, 0]


BAD = {
    "no-classes": (ValueError, "num_classes.*0", lambda: w.class_counts([0], 0)),
    "float-classes": (ValueError, "num_classes.*2.0", lambda: w.class_counts([0], 2.0)),
    "listed-floats": (ValueError, r"labels.*whole.*0\.5", lambda: w.class_counts([0.5], 2)),
    "no-labels": (ValueError, "num_classes.*no labels", lambda: w.class_counts([])),
    "ragged": (ValueError, "labels.*one length", lambda: w.class_counts([[0], [0, 1]], 2)),
    "outside": (ValueError, r"labels.*0\.\.1.*labels\[1\] = 2", lambda: w.class_counts([0, 2], 2)),
    "negative": (ValueError, r"labels\[0\] = -1", lambda: w.class_counts([-1], 2)),
    "ignore": (TypeError, "ignore_index.*0.5", lambda: w.class_counts([0], 2, ignore_index=0.5)),
    "counter": (ValueError, "num_classes.*0", lambda: w.ClassCounter(0)),
    "merge": (
        ValueError,
        r"other.*\(2, None\).*\(3, None\)",
        lambda: w.ClassCounter(2).merge(w.ClassCounter(3)),
    ),
    "merge-ignoring": (
        ValueError,
        r"other.*\(2, None\).*\(2, 1\)",
        lambda: w.ClassCounter(2) + w.ClassCounter(2, ignore_index=1),
    ),
    "merge-list": (TypeError, "other.*list", lambda: w.ClassCounter(2).merge([1, 2])),
    "add-none": (TypeError, "NoneType", lambda: w.ClassCounter(2) + None),
    "state": (
        ValueError,
        "state.*-1",
        lambda: w.ClassCounter.from_dict({"counts": [-1], "ignore_index": None}),
    ),
    "negative-counts": (ValueError, "counts.*-1", lambda: w.balanced([1, -1])),
    "nan-counts": (ValueError, "counts.*nan", lambda: w.log_damped([1, np.nan])),
    "table": (ValueError, r"counts.*\(2, 2\)", lambda: w.effective_number(np.ones((2, 2)))),
    "number": (TypeError, "counts.*int", lambda: w.inverse_frequency(3)),
    "normalize": (ValueError, "normalize.*'mean'", lambda: w.balanced([1], normalize="mean")),
    "power": (ValueError, "power.*-1", lambda: w.inverse_frequency([1], power=-1)),
    "beta": (ValueError, "beta.*1.5", lambda: w.effective_number([1], beta=1.5)),
    "c": (ValueError, "c: .*1", lambda: w.log_damped([1], c=1)),
    "label": (ValueError, r"labels\[1\] = 2", lambda: w.sample_weights([0, 2], [1.0, 1.0])),
    "no-weights": (ValueError, r"class_weight.*\(0,\)", lambda: w.sample_weights([0], [])),
    "words": (TypeError, "class_weight.*str", lambda: w.sample_weights([0], ["a"])),
    "target": (ValueError, r"targets\[1\] = 2", lambda: w.pos_weights([0, 2])),
    "cap": (ValueError, "cap.*-1", lambda: w.pos_weights([0, 1], cap=-1)),
    "axis": (ValueError, "axis.*1", lambda: w.pos_weights([0, 1], axis=1)),
    "mask": (ValueError, r"mask.*\(3,\)", lambda: w.pos_weights([0, 1], mask=[1, 1, 1])),
    "one-target": (ValueError, r"targets.*\(\)", lambda: w.pos_weights(np.array(1.0))),
    "target-words": (TypeError, "targets.*str", lambda: w.pos_weights(["a"])),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    kind, message, call = BAD[name]
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize("counted", [Counter, lambda x: pd.Series(x).value_counts()])
def test_counts_are_no_labels(counted):
    counts = counted([0, 2, 2, 1, 2])
    for call in (w.class_counts, w.ClassCounter(9).update):
        with pytest.raises(TypeError, match=r"labels: expected labels, got counts.*balanced"):
            call(counts)
    assert list(w.balanced(counts)) == w.balanced([1, 1, 3])
    with pytest.raises(ValueError, match=r"counts: expected shape \(K,\), got shape \(3, 2\)"):
        w.balanced(pl.Series([0, 2, 2, 1, 2]).value_counts())
    with pytest.raises(ValueError, match=r"counts: expected shape \(K,\), got shape \(2, 3\)"):
        w.balanced(np.unique([0, 2, 2, 1, 2], return_counts=True))


def test_lists_of_arrays(library):
    """As a data set gives them, one at a time."""
    labels = [library.array(np.array(k)) for k in (0, 2, 0)]
    assert w.class_counts(labels, library.array(np.array(3))) == [2, 0, 1]
    assert w.sample_weights(labels, [library.array(np.array(x)) for x in (1.0, 2.0, 3.0)]) == [
        1.0,
        3.0,
        1.0,
    ]
    rows = [library.array(np.array(row)) for row in ([0, 1], [1, 1], [0, 1])]
    assert w.pos_weights(rows) == [2.0, 0.0]
    assert w.balanced([library.array(np.array(n)) for n in (3, 1)]) == w.balanced([3, 1])


def test_identifiers_are_no_classes():
    with pytest.raises(ValueError, match=r"num_classes: .* labels go up to 1000000000000"):
        w.class_counts([0, 10**12])


@pytest.mark.parametrize("state", [{}, {"counts": [1]}, [1, 2]])
def test_what_is_no_state_of_a_counter_is_named(state):
    with pytest.raises(ValueError, match="state: expected what to_dict returned"):
        w.ClassCounter.from_dict(state)


def test_no_counter_in_compiled_code(library):
    """Nobody can read the labels there: errors say so, not the library's."""
    compilers = {
        "jax": lambda: __import__("jax").jit,
        "tensorflow": lambda: __import__("tensorflow").function,
    }
    if library.name not in compilers:
        pytest.skip("eager, or compiled around the counter")
    labels = library.array(np.array([0, 2, 0]))
    counted = compilers[library.name]()(lambda labels: w.ClassCounter(3).update(labels).counts[0])
    with pytest.raises(TypeError, match=r"labels: expected labels that can be read.*class_counts"):
        counted(labels)


@given(
    labels=st.lists(st.sampled_from([0, 1, 2, 3, 255, -100, None]), max_size=40),
    ignore=st.sets(st.sampled_from([1, 255, -100, np.nan])),
    block=st.integers(1, 7),
)
def test_blocks_of_labels_in_memory(labels, ignore, block):
    """None where something is to be said: 4 classes, others are told from what is ignored."""
    expected = [sum(x == k and k not in ignore for x in labels) for k in range(4)]
    others = {x for x in labels if x not in range(4)}
    wrong = others - {None if x != x else x for x in ignore}
    kinds = ["float32", "float64"] if None in labels else ["int64", "int16", "float16"]
    for kind in kinds:
        array = np.array([np.nan if x is None else x for x in labels]).astype(kind)
        with mock.patch.object(in_memory, "BLOCK", block):
            found = in_memory.counted(array, 4, tuple(ignore))
            grown = in_memory.counted(array, None, tuple(ignore))
        assert (found is None) == bool(wrong)
        if not wrong:
            assert found.tolist() == expected
            largest = max((k for k in range(4) if expected[k]), default=None)
            assert (grown is None) == (largest is None)
            assert grown is None or grown.tolist() == expected[: largest + 1]
        elif wrong != {255}:  # with the number of classes open, that is one
            assert grown is None


def test_labels_in_memory_are_not_copied():
    """Ignored ones took masks of the size of the labels: 70 MB here."""
    labels = np.full((1000, 4000), 3, dtype="int32").T
    labels[:, 0] = -100
    counter = w.ClassCounter(5, ignore_index=-100)
    tracemalloc.start()
    counter.update(labels)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counter.counts == [0, 0, 0, 4000 * 999, 0]
    assert most < 2**23


def test_dask_labels_that_are_ignored():
    """All in one go over the blocks, which may come from a disk."""
    import dask.array as da

    went = []
    blocks = da.from_array(LABELS, chunks=(1, 3)).map_blocks(
        lambda block: (went.append(len(block)), block)[1], dtype="int64", meta=np.empty((0, 0), int)
    )
    for ignore, counts in ((3, [3, 0, 2, 0]), ((2, 3), [3, 0, 0, 0])):
        went.clear()
        assert w.ClassCounter(4, ignore_index=ignore).update(blocks).counts == counts
        assert went == [1, 1]
    assert w.ClassCounter(3, ignore_index=3).update(blocks).counts == [3, 0, 2]
    with pytest.raises(ValueError, match=r"labels: expected values in 0\.\.1, got 2 others"):
        w.ClassCounter(2, ignore_index=3).update(blocks)
    assert w.ClassCounter(3, ignore_index=np.nan).update(blocks * 1.0 % 3).counts == [4, 0, 2]


def test_dask_workers_count():
    """By the distributed scheduler, in threads of this process."""
    distributed = pytest.importorskip("distributed")
    import dask.array as da

    labels = da.from_array(np.arange(1000) % 7, chunks=100)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    free = ":0"  # the usual port may be that of another run of the tests
    with (
        distributed.LocalCluster(dashboard_address=free, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        counted = w.ClassCounter(8).update(labels).counts
        assert counted == client.compute(w.class_counts(labels, 8)).result(30).tolist()
    assert counted == np.bincount(np.arange(1000) % 7, minlength=8).tolist()
