"""Classes on several processes: each loss as on one. Run by a test, with the number of processes.

All processes hold all of the arrays, so that each can say what one device gives.
"""

import itertools
import math
import os
import sys
import tempfile
from functools import partial

import pytest
import torch
import torch._dynamo  # which torch imports by and by: once, not in each process
import torch.distributed as dist
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import loss_parallel

import weightedce as w
from weightedce.torch import CrossEntropyLoss

LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
ROWS, CLASSES = 9, 37
CUTS = {2: (0, 20, 37), 4: (0, 5, 20, 21, 37)}  # uneven shares
WORLD: list[int] = []  # the first class of this process, and the first of the next
DOUBLE = torch.float64
COUNTS = torch.arange(CLASSES, 0, -1) ** 2.0
GCE, VS = w.generalized_cross_entropy, w.vector_scaling_cross_entropy
OTHERS = [
    (w.focal_loss, {"gamma": 1.5}),
    (w.poly_cross_entropy, {"epsilon": 2.0}),
    (GCE, {"q": 0.7}),
    (w.logit_adjusted_cross_entropy, {"prior": COUNTS, "tau": 0.7}),
    (w.balanced_softmax_cross_entropy, {"counts": COUNTS}),
    (w.balanced_softmax_cross_entropy, {"counts": COUNTS * (COUNTS > 1)}),  # one does not occur
    (w.ldam_cross_entropy, {"counts": COUNTS, "scale": 3.0}),
    (VS, {"scale": torch.linspace(0.5, 2.0, CLASSES), "shift": torch.linspace(-1, 1, CLASSES)}),
    (VS, {"counts": COUNTS}),
    (VS, {"counts": COUNTS, "scale_by": "label"}),
]


def draw(scale=1.0, dtype=DOUBLE):
    made = torch.Generator().manual_seed(int(scale))
    z = scale * torch.randn(ROWS, CLASSES, dtype=DOUBLE, generator=made)
    labels = torch.randint(0, CLASSES, (ROWS,), generator=made)
    shares = torch.softmax(torch.randn(ROWS, CLASSES, dtype=DOUBLE, generator=made), 1)
    by_class = 0.5 + torch.rand(CLASSES, dtype=DOUBLE, generator=made)
    by_row = 0.5 + torch.rand(ROWS, dtype=DOUBLE, generator=made)
    return [x if x is labels else x.to(dtype) for x in (z, labels, shares, by_class, by_row)]


def mine(x):
    return x[..., slice(*WORLD)]


def scalar(found):
    return found.loss / 7 if isinstance(found, w.LossTotal) else found.sum()


def graded(loss, z, targets, **options):
    z = z.clone().requires_grad_()
    found = loss(z, targets, **options)
    scalar(found).backward()
    return found, z.grad


def sent(call):
    """Return what a call gives, and how many numbers each collective of it took."""
    sizes, send = [], dist.all_reduce
    dist.all_reduce = lambda x, **more: (sizes.append(x.numel()), send(x, **more))
    try:
        return call(), sizes
    finally:
        dist.all_reduce = send


def alike(found):
    """All processes have the same bits."""
    for x in found if isinstance(found, w.LossTotal) else [found]:
        x = x.detach().contiguous()
        others = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(others, x)
        for other in others:
            assert other.numpy().tobytes() == x.numpy().tobytes(), others


def same(loss, z, targets, *, most=(2, 5), ulp=8, **options):
    """What one device gives: value, gradient, no collective for the gradient."""
    expected, slope = graded(loss, z, targets, **options)
    here = mine(targets) if targets.ndim == z.ndim else targets
    shards = dist.group.WORLD
    (found, got), sizes = sent(lambda: graded(loss, mine(z), here, shards=shards, **options))
    assert len(sizes) <= most[0], sizes
    tail = dist.get_world_size() + 2
    assert sum(sizes) <= (1 + most[1]) * len(z) + tail, sizes
    alike(found)
    eps = torch.finfo(z.dtype).eps
    for a, b in zip(*[x if isinstance(x, tuple) else [x] for x in (found, expected)], strict=True):
        torch.testing.assert_close(a, b, rtol=ulp * eps, atol=0.0, equal_nan=True)
    # where p_k and the mass of k cross the difference has few digits on one device too
    atol = 4 * eps * float(slope.nan_to_num(0.0).norm(torch.inf) if len(z) else 0.0)
    torch.testing.assert_close(got, mine(slope), rtol=ulp * eps, atol=atol, equal_nan=True)


def every_option():
    for scale in (1, 30) if LONG else (30,):
        z, labels, shares, by_class, by_row = draw(scale)
        reductions = itertools.cycle(["mean", "none", "weighted_mean", "sum", "total"])
        for smoothing, policy in itertools.product((0.0, 0.1), ("target", "class")):
            weighted = {"class_weight": by_class, "sample_weight": by_row}
            options = {"label_smoothing": smoothing, "smoothing_weight": policy}
            options |= {"reduction": next(reductions)} | weighted
            same(w.cross_entropy, z, labels, **options, most=(2, 2 if not smoothing else 5))
            more = smoothing > 0.0  # the weight that smoothing spreads has to be known before
            same(w.cross_entropy, z, shares, **options, most=(2 + more, 5 + more))
    ignoring = torch.where(torch.arange(ROWS) % 3 == 0, -100, labels)
    for smoothing in (0.0, 0.1):
        for mask in (None, by_row > 0.8):
            options = {"label_smoothing": smoothing, "ignore_index": -100, "mask": mask}
            same(w.cross_entropy, z, ignoring, class_weight="batch", **options)
            same(w.cross_entropy, z, ignoring, reduction="weighted_mean", **options)
    unknown = torch.where(torch.arange(ROWS)[:, None] == 3, torch.nan, shares)
    same(w.cross_entropy, z, unknown, ignore_index=math.nan, most=(3, 6))
    same(w.cross_entropy, z, 3.0 * shares, target_range="any", class_weight={1: 2.0})
    same(w.cross_entropy, z, shares, mask=torch.zeros(ROWS), reduction="weighted_mean")
    same(w.cross_entropy, z[:0], labels[:0])


def other_axes_and_dtypes():
    z, labels, shares, *_ = draw()
    shaped = z.reshape(3, 3, CLASSES)
    for axis, ranks in ((1, (0, 2, 1)), (0, (2, 0, 1))):
        for smoothing in (0.0, 0.1):
            options = {"label_smoothing": smoothing, "axis": axis}
            expected, slope = graded(
                w.cross_entropy, shaped.permute(ranks), labels.reshape(3, 3), **options
            )
            found, got = graded(
                w.cross_entropy, mine(shaped).permute(ranks), labels.reshape(3, 3),
                shards=dist.group.WORLD, **options,
            )  # fmt: skip
            torch.testing.assert_close(found, expected, rtol=1e-15, atol=0)
            torch.testing.assert_close(got, slope.narrow(axis, WORLD[0], WORLD[1] - WORLD[0]))
    z, labels, shares, by_class, _ = draw(30, torch.float32)
    for targets in (labels, shares):
        same(w.cross_entropy, z, targets, class_weight=by_class)
    found, got = graded(w.cross_entropy, mine(z).half(), labels, shards=dist.group.WORLD)
    assert (found.dtype, got.dtype) == (torch.float32, torch.float16)


def infinities():
    z, labels, *_ = draw()
    start = CUTS[dist.get_world_size()][1]
    z[0, start:] = -torch.inf  # all but the first share
    z[1] = -torch.inf
    z[2, labels[2]] = torch.inf
    z[3, (labels[3] + 1) % CLASSES] = torch.inf
    z[4, labels[4]] = -torch.inf
    z[5, 3] = torch.nan
    z[6] += 800.0
    z[7] -= 800.0
    labels[0] = 1
    for smoothing in (0.0, 0.1):
        options = {"label_smoothing": smoothing, "reduction": "none"}
        found = w.cross_entropy(mine(z), labels, shards=dist.group.WORLD, **options)
        alike(found.nan_to_num(-1.0))
        expected = w.cross_entropy(z, labels, **options)
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=0, equal_nan=True)
    keep = torch.isfinite(expected)
    z[1, 2], z[5, 4] = torch.inf, torch.nan
    options = {"mask": keep, "reduction": "none"}
    _, slope = graded(w.cross_entropy, z, labels, **options)
    found, got = graded(w.cross_entropy, mine(z), labels, shards=dist.group.WORLD, **options)
    assert not found[~keep].any()
    torch.testing.assert_close(got, mine(slope), rtol=1e-14, atol=1e-16)


def bad_targets():
    """NaN on all processes, also where one alone sees them."""
    z, labels, shares, *_ = draw()
    alone = dist.get_rank() == dist.get_world_size() - 1
    for bad, where in itertools.product((CLASSES, -1, -100), (True, alone)):
        y = labels.clone()
        y[2] = bad if where else y[2]
        for smoothing in (0.0, 0.1):
            options = {"label_smoothing": smoothing, "reduction": "none"}
            found, got = graded(w.cross_entropy, mine(z), y, shards=dist.group.WORLD, **options)
            assert found.isnan().tolist() == [i == 2 for i in range(ROWS)], found
            assert got[2].isnan().all()
            assert not got[3].isnan().any()
    q = mine(shares).clone()
    q[4, 0] = 1.5 if alone else q[4, 0]
    found = w.cross_entropy(mine(z), q, shards=dist.group.WORLD, reduction="none")
    assert found.isnan().tolist() == [i == 4 for i in range(ROWS)], found


def disagreements():
    """What differs, or is refused on one process, raises on all of them."""
    z, labels, shares, by_class, by_row = draw()
    one = dist.get_rank() == 1
    group = dist.group.WORLD
    cases = [
        {"label_smoothing": 0.1 if one else 0.2},
        {"class_weight": -by_class if one else by_class},
        {"class_weight": by_class[:-1] if one else by_class},
        {"sample_weight": by_row.neg() if one else by_row},
        {"reduction": "sum" if one else "mean"},
        {"reduction": "average" if one else "mean"},
        {"label_smoothing": 2.0 if one else 0.1},
        {"mask": [True] * ROWS if one else None},
    ]
    for options in cases:
        with pytest.raises(
            ValueError, match=r"^shards: expected at least one class on each device"
        ):
            w.cross_entropy(mine(z), labels, shards=group, **options)
    for targets, logits in (
        (mine(shares) if one else labels, mine(z)),
        (labels, mine(z)[:, one:0]),
        (labels.tolist()[one:], mine(z)),
        (["a"] * ROWS if one else labels.tolist(), mine(z)),
        (mine(shares).requires_grad_(one), mine(z)),  # which would be refused on one alone
    ):
        with pytest.raises(
            ValueError, match=r"^shards: expected at least one class on each device"
        ):
            w.cross_entropy(logits, targets, shards=group)
    hidden, matrix = z[:, :4].clone(), mine(z)[:4].T.clone()
    unlike = [
        ("gamma: expected", partial(w.focal_loss, mine(z), labels, gamma=-1.0 if one else 1.0)),
        (
            "bias: expected shape",
            partial(w.linear_cross_entropy, hidden, matrix, labels, bias=matrix[one:, 0]),
        ),
        (
            "weight: expected shape",
            partial(w.linear_cross_entropy, hidden, matrix[:, one:], labels),
        ),
        (
            "shards",
            partial(w.linear_cross_entropy, hidden.clone().requires_grad_(one), matrix, labels),
        ),
        (
            "shards",
            partial(
                w.linear_cross_entropy, *(x.float() if one else x for x in (hidden, matrix)), labels
            ),
        ),
    ]
    for said, call in unlike:
        with pytest.raises(ValueError, match=f"^{said if one else 'shards'}"):
            call(shards=group)
    for options, said in (
        ({"class_weight": by_class[:-1]}, "class_weight: expected"),
        ({"class_weight": -by_class}, "class_weight: expected finite numbers >= 0"),
    ):
        with pytest.raises(ValueError, match=said):
            w.cross_entropy(mine(z), labels, shards=group, **options)
    with pytest.raises(ValueError, match="class_weight: expected numbers, since no device sees"):
        w.cross_entropy(mine(z), mine(shares), class_weight="batch", shards=group)


def refusals():
    z, labels, shares, by_class, _ = draw()
    group = dist.group.WORLD
    with pytest.raises(TypeError, match=r"^shards: expected a ProcessGroup or a DeviceMesh"):
        w.cross_entropy(mine(z), labels, shards="tp")
    if dist.get_world_size() == 4:
        mesh = dist.init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
        with pytest.raises(ValueError, match=r"^shards: expected a mesh of one axis"):
            w.cross_entropy(mine(z), labels, shards=mesh)
        halves = z.tensor_split(2, 1)[mesh["tp"].get_local_rank()]
        found = w.cross_entropy(halves, labels, shards=mesh["tp"])
        torch.testing.assert_close(found, w.cross_entropy(z, labels), rtol=1e-15, atol=0)
    for options in (
        {"label_smoothing": [0.1] * len(by_class)},
        {"class_weight": by_class.expand(ROWS, len(by_class))},
    ):
        (name,) = options
        with pytest.raises(TypeError, match=rf"^{name}: expected one .* beside shards"):
            w.cross_entropy(mine(z), labels, shards=group, **options)
    trained = by_class.clone().requires_grad_()
    for options in ({"label_smoothing": 0.1}, {"targets": shares}):
        given = {"targets": labels} | options
        given["targets"] = mine(shares) if "targets" in options else labels
        with pytest.raises(NotImplementedError, match=r"^shards: expected no gradient but to"):
            w.cross_entropy(mine(z), class_weight=trained, shards=group, **given)
    # of labels alone all of it is here
    w.cross_entropy(mine(z), labels, class_weight=trained, shards=group).backward()
    whole = by_class.clone().requires_grad_()
    w.cross_entropy(z, labels, class_weight=whole).backward()
    torch.testing.assert_close(trained.grad, whole.grad, rtol=1e-14, atol=0)
    with pytest.raises(NotImplementedError, match=r"^shards: expected eager code"):
        torch.func.grad(lambda x: w.cross_entropy(x, labels, shards=group))(mine(z))


def backward_again():
    """A second pass gives the same again; a second derivative is refused."""
    z, labels, shares, *_ = draw()
    for targets in (labels, mine(shares)):
        x = mine(z).clone().requires_grad_()
        loss = w.cross_entropy(x, targets, shards=dist.group.WORLD)
        with pytest.raises(NotImplementedError, match=r"^shards: expected first derivatives"):
            torch.autograd.grad(loss, x, create_graph=True)
        first, again, third = (torch.autograd.grad(loss, x, retain_graph=True)[0] for _ in "123")
        assert torch.equal(first, again)
        assert torch.equal(first, third)
        each = w.cross_entropy(x, targets, shards=dist.group.WORLD, reduction="none")
        ones = torch.eye(ROWS, dtype=DOUBLE)
        many = torch.autograd.grad(each, x, ones, is_grads_batched=True, retain_graph=True)[0]
        torch.testing.assert_close(many.sum(0) / ROWS, first, rtol=1e-13, atol=1e-17)
        (one,) = torch.autograd.grad(each.mean(), x)
        torch.testing.assert_close(one, first, rtol=1e-13, atol=1e-17)


def other_losses():
    z, labels, shares, by_class, by_row = draw(3)
    for loss, given in OTHERS:
        moved = loss not in (w.focal_loss, w.poly_cross_entropy, GCE)
        most = 3 if moved else 2  # of what is scaled or shifted the maximum is another one
        options = {"class_weight": by_class, "sample_weight": by_row, **given, "ulp": 64}
        same(loss, z, labels, most=(most, 2 + moved), **options)
        if given.get("scale_by") != "label":
            smooth = {"label_smoothing": 0.1, "smoothing_weight": "class"}
            same(loss, z, labels, most=(4, 7), **smooth, **options)
            same(loss, z, shares, most=(4 + moved, 8), reduction="total", **options)


def on_mesh(mesh, placements):
    """A DTensor without any keyword: the exact loss, and a gradient that lies as the logits do."""
    z, labels, shares, by_class, by_row = draw()
    options = {"class_weight": by_class, "sample_weight": by_row}
    rows = [Replicate() if x.is_shard(1) else x for x in placements]
    reductions = itertools.cycle(["mean", "weighted_mean", "none", "total", "sum"])
    for targets, smoothing, spread in itertools.product((labels, shares), (0.0, 0.1), (0, 1)):
        options |= {"label_smoothing": smoothing, "reduction": next(reductions)}
        expected, slope = graded(w.cross_entropy, z, targets, **options)
        y = targets
        if spread:
            y = distribute_tensor(y, mesh, rows if y is labels else placements)
        logits = distribute_tensor(z, mesh, placements)
        found, got = graded(w.cross_entropy, logits, y, **options)
        assert got.placements == tuple(placements)
        whole = got.full_tensor()
        torch.testing.assert_close(whole, slope, rtol=1e-13, atol=1e-17)
        pairs = [x if isinstance(x, tuple) else [x] for x in (found, expected)]
        for a, b in zip(*pairs, strict=True):
            assert isinstance(a, DTensor)
            torch.testing.assert_close(a.full_tensor(), b, rtol=2e-15, atol=0)


def tensors_of_meshes():
    ranks = dist.get_world_size()
    on_mesh(dist.init_device_mesh("cpu", (ranks,)), [Shard(1)])
    if ranks == 4:
        mesh = dist.init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))
        on_mesh(mesh, [Shard(0), Shard(1)])
        on_mesh(mesh, [Replicate(), Shard(1)])
        z, labels, *_, by_row = draw()
        logits = distribute_tensor(z, mesh, [Shard(0), Shard(1)])
        found = w.cross_entropy(distribute_tensor(z[:1], mesh, logits.placements), labels[:1])
        torch.testing.assert_close(found.full_tensor(), w.cross_entropy(z[:1], labels[:1]))
        by_row[0] = -1.0  # of the first rows alone: the others do not wait for them
        if mesh["dp"].get_local_rank() == 0:
            with pytest.raises(ValueError, match="sample_weight: expected finite numbers >= 0"):
                w.cross_entropy(logits, labels, sample_weight=by_row)
        else:
            assert w.cross_entropy(logits, labels, sample_weight=by_row).to_local().isnan()
        with pytest.raises(ValueError, match="class_weight: expected numbers, since no device"):
            w.cross_entropy(logits, labels, class_weight="batch")
        with pytest.raises(ValueError, match="logits: expected the classes of a DTensor on one"):
            w.cross_entropy(distribute_tensor(z, mesh, [Shard(1), Shard(1)]), labels)
        with pytest.raises(TypeError, match="logits: expected all classes on each device"):
            w.expected_cost(logits, labels, torch.zeros(CLASSES, CLASSES))
        matrix = distribute_tensor(torch.zeros(CLASSES, 2), mesh, [Replicate(), Shard(0)])
        with pytest.raises(TypeError, match="weight: expected no DTensor that is on a mesh"):
            w.linear_cross_entropy(torch.zeros(ROWS, 2), matrix, labels)
        focal = w.focal_loss(distribute_tensor(z, mesh, [Shard(0), Shard(1)]), labels)
        torch.testing.assert_close(focal.full_tensor(), w.focal_loss(z, labels))
        with pytest.raises(NotImplementedError, match="sample_weight: expected no gradient"):
            w.cross_entropy(logits, labels, sample_weight=by_row.abs().requires_grad_())


def objects():
    z, labels, *_ = draw()
    for weight in ({1: 4.0, 30: 2.0}, 1.0 + torch.arange(CLASSES, dtype=DOUBLE)):
        found = CrossEntropyLoss(weight, shards=dist.group.WORLD)(mine(z), labels)
        expected = CrossEntropyLoss(weight)(z, labels)
        torch.testing.assert_close(found, expected, rtol=2e-15, atol=0)


def what_loss_parallel_does():
    """The table of docs/many-devices.md. Last: it leaves its handlers on when something raises."""
    z, labels, _, by_class, _ = draw()
    mesh = dist.init_device_mesh("cpu", (2, 2))
    over, flat = dist.init_device_mesh("cpu", (4,)), torch.nn.functional.cross_entropy
    everywhere = distribute_tensor(labels, over, [Replicate()])

    def logits(mesh=over, *rows):
        return distribute_tensor(z, mesh, [*rows, Shard(1)]).requires_grad_()

    bad = torch.full_like(labels, CLASSES)
    with loss_parallel():
        found = flat(logits(), distribute_tensor(bad, over, [Replicate()]))
        assert found.full_tensor() == 0.0  # of labels that are no classes
    ignoring = distribute_tensor(
        torch.where(labels == labels[0], -100, labels), over, [Replicate()]
    )
    weight = distribute_tensor(by_class, over, [Replicate()])
    with pytest.raises(RuntimeError, match="index -100 is out of bounds"), loss_parallel():
        flat(logits(), ignoring, weight, ignore_index=-100).backward()
    with pytest.raises(RuntimeError, match=r"mixed|placement"), loss_parallel():
        flat(logits(), everywhere, label_smoothing=0.1)
    rows = distribute_tensor(labels, mesh, [Shard(0), Replicate()])
    with pytest.raises(NotImplementedError), loss_parallel():
        flat(logits(mesh, Shard(0)), rows)
    left_on = DTensor._op_dispatcher._custom_op_handlers
    assert torch.ops.aten.nll_loss_forward.default in left_on


SOME = (every_option, infinities, disagreements)  # of two processes, the rest of four


def linear_head():
    """Rows of the matrix are this process's; hidden's gradient crosses the processes once."""
    made = torch.Generator().manual_seed(0)
    hidden, matrix = (torch.randn(n, 6, dtype=DOUBLE, generator=made) for n in (ROWS, CLASSES))
    bias = torch.randn(CLASSES, dtype=DOUBLE, generator=made)
    _, labels, shares, by_class, by_row = draw()
    ignoring = torch.where(torch.arange(ROWS) == 4, -100, labels)
    group = dist.group.WORLD
    cases = [
        (labels, {"z_loss": 0.01, "softcap": 2.0, "reduction": "weighted_mean"}, [2, 2, 2]),
        (ignoring, {"ignore_index": -100, "reduction": "none"}, [2, 2, 2]),
        (labels, {"label_smoothing": 0.1, "z_loss": 0.01, "softcap": 2.0}, [5, 5, 5]),
        (shares, {"reduction": "total"}, [5, 5, 5]),
    ]
    for targets, options, numbers in cases:
        options = {"class_weight": by_class, "sample_weight": by_row, "block_size": 4} | options
        whole = [x.clone().requires_grad_() for x in (hidden, matrix, bias)]
        expected = w.linear_cross_entropy(*whole[:2], targets, bias=whole[2], **options)
        scalar(expected).backward()
        rows = slice(*WORLD)
        part = [x.clone().requires_grad_() for x in (hidden, matrix[rows], bias[rows])]
        here = mine(targets) if targets is shares else targets
        options |= {"bias": part[2], "shards": group}

        def run(part=part, here=here, options=options):
            return w.linear_cross_entropy(*part[:2], here, **options)

        found, sizes = sent(run)
        tail = dist.get_world_size() + 2
        per_block = [x for n, k in zip((4, 4, 1), numbers, strict=True) for x in (n + tail, k * n)]
        if options.get("reduction") != "none":  # there logits are formed again for the gradient
            assert sizes == [tail, *per_block, hidden.numel()], sizes
        alike(found)
        scalar(found).backward()
        pairs = [x if isinstance(x, tuple) else [x] for x in (found, expected)]
        for a, b in zip(*pairs, strict=True):
            torch.testing.assert_close(a, b, rtol=2e-15, atol=0)
        of_rows = [whole[0].grad, whole[1].grad[rows], whole[2].grad[rows]]
        for a, b in zip([x.grad for x in part], of_rows, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-16)
    with pytest.raises(NotImplementedError, match=r"^shards: expected first derivatives"):
        torch.autograd.grad(scalar(run()), part[0], create_graph=True)
    bad = torch.where(torch.arange(ROWS) == 2, CLASSES, labels)
    found = w.linear_cross_entropy(
        hidden, matrix[rows], bad, shards=group, reduction="none", block_size=4
    )
    assert found.isnan().tolist() == [i == 2 for i in range(ROWS)], found
    with pytest.raises(ValueError, match=r"^shards: expected at least one class on each device"):
        w.linear_cross_entropy(
            hidden, matrix[rows], labels, shards=group, block_size=3 + dist.get_rank()
        )


CHECKS = (
    linear_head,
    tensors_of_meshes,
    every_option, other_axes_and_dtypes, infinities, bad_targets, disagreements, refusals,
    backward_again, other_losses, objects, what_loss_parallel_does,
)  # fmt: skip


def work(rank, folder, ranks):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=ranks
    )
    WORLD[:] = CUTS[ranks][rank : rank + 2]
    for check in SOME if ranks == 2 else CHECKS:
        check()
    dist.barrier()
    os._exit(0)  # as in torch_ddp


if __name__ == "__main__":
    ranks = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.start_processes(work, (folder, ranks), ranks, start_method="fork")
    print(f"classes on {ranks} processes are classes on one")
