"""
PyTorch Lightning
=================

A criterion is a module: its weights move to the device with the model and are saved with it.
"""

import logging
import tempfile
import warnings

import lightning
import matplotlib.pyplot as plt
import torch
from torch.utils.data import DataLoader, TensorDataset

from weightedce import balanced, class_counts
from weightedce.torch import CrossEntropyLoss

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")

torch.manual_seed(0)
labels = torch.multinomial(torch.tensor([0.77, 0.2, 0.03]), 600, replacement=True)
features = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.5]])[labels] + 0.7 * torch.randn(600, 2)


class Classifier(lightning.LightningModule):
    """A linear classifier with class weights."""

    def __init__(self, class_weight=None):
        super().__init__()
        self.model = torch.nn.Linear(2, 3)
        self.criterion = CrossEntropyLoss(class_weight)

    def training_step(self, batch, _):
        """Return the loss of a batch."""
        x, y = batch
        return self.criterion(self.model(x), y)

    def configure_optimizers(self):
        """Return the optimiser."""
        return torch.optim.Adam(self.parameters(), lr=0.05)


def recall(class_weight):
    """Train; return the share of each class that is found."""
    lightning.seed_everything(0, verbose=False)
    model = Classifier(class_weight)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_epochs=10, accelerator="cpu", default_root_dir=folder, logger=False,
            enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model, DataLoader(TensorDataset(features, labels), batch_size=50, shuffle=True))
    found = model.model(features).argmax(1) == labels
    return [round(found[labels == k].float().mean().item(), 2) for k in range(3)]


plain, weighted = recall(None), recall(balanced(class_counts(labels, 3)).tolist())
print("found of each class, plain:   ", plain)
print("found of each class, weighted:", weighted)

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.bar([k - 0.2 for k in range(3)], plain, 0.4, label="plain", color="#999999")
axis.bar([k + 0.2 for k in range(3)], weighted, 0.4, label="balanced", color="#0072B2")
axis.set_xticks(range(3), ["77 %", "20 %", "3 %"])
axis.set(xlabel="class, by its share", ylabel="found", ylim=(0, 1.15))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False, ncols=2, loc="upper center")
plt.show()
