"""A criterion of weightedce in PyTorch Lightning: class weights, saved with the model."""

import tempfile

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

from torch_accumulation import CLASSES, make_data, recall
from weightedce import balanced, class_counts
from weightedce.torch import CrossEntropyLoss


class Classifier(lightning.LightningModule):
    """A linear classifier. The criterion's weights are buffers: they move with the model."""

    def __init__(self, class_weight=None):
        super().__init__()
        self.save_hyperparameters()
        self.model = torch.nn.Linear(2, CLASSES)
        self.criterion = CrossEntropyLoss(class_weight)

    def forward(self, features):
        return self.model(features)

    def training_step(self, batch, _):
        features, labels = batch
        return self.criterion(self(features), labels)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


def fit(class_weight, folder, epochs=10):
    """Train and return the model."""
    features, labels = make_data()
    lightning.seed_everything(0, verbose=False)
    model = Classifier(class_weight)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_progress_bar=False,
    )
    trainer.fit(model, DataLoader(TensorDataset(features, labels), batch_size=50, shuffle=True))
    return model, trainer


if __name__ == "__main__":
    features, labels = make_data()
    weight = balanced(class_counts(labels, CLASSES)).tolist()
    for name, class_weight in (("plain", None), ("weighted", weight)):
        with tempfile.TemporaryDirectory() as folder:
            model, _ = fit(class_weight, folder)
        print(name, [f"{r:.2f}" for r in recall(model, features, labels)])
