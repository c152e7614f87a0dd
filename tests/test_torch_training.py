"""The PyTorch examples run, and accumulated gradients are those of the whole batch."""

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import torch_accumulation  # noqa: E402


def differ(one, other):
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max((a - b).abs().max().item() for a, b in pairs)


@pytest.mark.parametrize("weighted", [True, False])
def test_accumulation_is_the_whole_batch(weighted):
    data = torch_accumulation.make_data()
    whole = torch_accumulation.train(*data, parts=1, steps=20, weighted=weighted)
    for parts in (2, 7):
        accumulated = torch_accumulation.train(*data, parts=parts, steps=20, weighted=weighted)
        # 20 steps of sums that are rounded in another order
        assert differ(whole, accumulated) < 1e-14


def test_weights_find_the_rare_class():
    data = torch_accumulation.make_data()
    plain = torch_accumulation.train(*data, parts=1, weighted=False)
    weighted = torch_accumulation.train(*data, parts=1)
    assert torch_accumulation.recall(plain, *data)[2] < 0.5
    assert torch_accumulation.recall(weighted, *data)[2] > 0.7


# Lightning's own: it builds trees as an older torch did, and wants more workers than a test needs
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
@pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers")
def test_lightning(tmp_path):
    pytest.importorskip("lightning")
    import torch_lightning

    data = torch_accumulation.make_data()
    model, trainer = torch_lightning.fit([0.4, 1.7, 11.0], tmp_path)
    plain, _ = torch_lightning.fit(None, tmp_path / "plain")
    rare = [torch_accumulation.recall(m, *data)[2] for m in (plain, model)]
    assert rare[0] + 0.3 < rare[1]

    trainer.save_checkpoint(tmp_path / "model.ckpt")
    loaded = torch_lightning.Classifier.load_from_checkpoint(tmp_path / "model.ckpt")
    assert loaded.criterion.weight.tolist() == model.criterion.weight.tolist()
    assert loaded.training_step(data, 0) == model.training_step(data, 0)


def test_hugging_face_trainer(tmp_path):
    pytest.importorskip("transformers")
    import torch_trainer

    whole, losses = torch_trainer.train(tmp_path, batch_size=8, parts=1)
    accumulated, parts_losses = torch_trainer.train(tmp_path, batch_size=8, parts=4)
    assert differ(whole, torch_trainer.make_model()) > 1e-3  # it moved
    assert differ(whole, accumulated) < 1e-7  # float32, sums rounded in another order
    assert losses == pytest.approx(parts_losses, rel=1e-6)
    plain, _ = torch_trainer.train(tmp_path, batch_size=8, parts=1, weight=None)
    assert differ(whole, plain) > 1e-3  # the weights were used
