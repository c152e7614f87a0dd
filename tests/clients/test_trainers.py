"""Lightning and the Hugging Face Trainer with their defaults."""

import lightning
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset
from transformers import Trainer, TrainingArguments

import weightedce.torch as wt

FEATURES = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(24) % 3
WEIGHT = [1.0, 2.0, 5.0]


class Module(lightning.LightningModule):
    def __init__(self, criterion):
        super().__init__()
        self.model, self.criterion = torch.nn.Linear(4, 3), criterion

    def training_step(self, batch, _):
        return self.criterion(self.model(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


# Lightning's own
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore:.*many workers")
@pytest.mark.filterwarnings("ignore:.*log_every_n_steps", "ignore:.*tensorboardX")
@pytest.mark.filterwarnings("ignore:.*isinstance.treespec:DeprecationWarning")
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "FocalLoss"])
def test_lightning_with_its_defaults(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # where the defaults write
    weight = {"weight" if name == "CrossEntropyLoss" else "class_weight": WEIGHT}
    module = Module(getattr(wt, name)(**weight))
    before = module.model.weight.clone()
    trainer = lightning.Trainer(max_epochs=2)
    trainer.fit(module, DataLoader(TensorDataset(FEATURES, LABELS), batch_size=8))
    assert trainer.global_step == 6
    assert not torch.equal(before, module.model.weight)
    assert name in capsys.readouterr().out  # the summary has looked at its parameters
    checkpoint = torch.load(trainer.checkpoint_callback.best_model_path, weights_only=False)
    [key] = [key for key in checkpoint["state_dict"] if key.startswith("criterion.")]
    assert checkpoint["state_dict"][key].tolist() == WEIGHT


class Classifier(torch.nn.Module):
    """A model that has no loss of its own."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear = torch.nn.Linear(4, 3)

    def forward(self, features, labels=None):
        return {"logits": self.linear(features)}


class Weighted(Trainer):
    def __init__(self, *args, criterion, **options):
        super().__init__(*args, **options)
        self.criterion = criterion

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        outputs = model(**inputs)
        loss = self.criterion(outputs["logits"], inputs["labels"])
        return (loss, outputs) if return_outputs else loss


ROWS = [{"features": x, "labels": y} for x, y in zip(FEATURES, LABELS, strict=True)]


@pytest.mark.filterwarnings("ignore:.*pin_memory")
def test_the_trainer_by_its_two_hooks(tmp_path):
    criterion = wt.CrossEntropyLoss(WEIGHT)
    arguments = TrainingArguments(output_dir=tmp_path, max_steps=3, report_to=[], use_cpu=True)
    ways = [
        Weighted(Classifier(), arguments, train_dataset=ROWS, criterion=criterion),
        Trainer(
            Classifier(),
            arguments,
            train_dataset=ROWS,
            compute_loss_func=lambda outputs, labels, **_: criterion(outputs["logits"], labels),
        ),
        Weighted(
            Classifier(),
            arguments,
            train_dataset=ROWS,
            criterion=torch.nn.CrossEntropyLoss(torch.tensor(WEIGHT)),
        ),
    ]
    for way in ways:
        way.train()
    expected = ways[-1].model.linear.weight
    assert not torch.equal(expected, Classifier().linear.weight)
    for way in ways[:-1]:
        torch.testing.assert_close(way.model.linear.weight, expected)
    assert ways[0].evaluate(ROWS)["eval_loss"] > 0
