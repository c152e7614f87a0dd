"""Class weights in the Hugging Face Trainer, right under gradient accumulation.

`compute_loss_func` gets the number of labels in all parts of an accumulated batch. A mean over
each part would weigh tokens in short sequences more; the sum of each part, from `LossTotal`,
divided by that number, adds up to the mean of the whole batch.
"""

import tempfile

import torch
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments

from weightedce.torch import CrossEntropyLoss

TAGS = 3


class WeightedLoss:
    """What `Trainer(compute_loss_func=...)` takes. Tokens labelled -100 do not count."""

    def __init__(self, weight):
        self.criterion = CrossEntropyLoss(weight, reduction="total")

    def __call__(self, outputs, labels, num_items_in_batch=None):
        self.criterion.to(outputs.logits.device)
        total = self.criterion(outputs.logits.transpose(1, 2), labels)  # classes on axis 1
        return total.mean() if num_items_in_batch is None else total.loss / num_items_in_batch


def make_dataset(n=16, length=12, seed=0):
    """Sequences of random tokens and tags; most are padded, so parts have unequal counts."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for i in range(n):
        tokens = torch.randint(1, 50, (length,), generator=generator)
        labels = torch.where(tokens % 10 == 0, 2, tokens % 2)  # tag 2 is rare
        labels[2 + i % 10 :] = -100
        rows.append({"input_ids": tokens, "labels": labels})
    return rows


def make_model():
    """Return a tiny BERT with random weights."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=TAGS,
    )
    return BertForTokenClassification(config)


def train(folder, *, batch_size, parts, steps=3, weight=(0.5, 0.5, 5.0)):
    """Train, with each batch cut into ``parts``, and return the model and its losses."""
    arguments = TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=batch_size // parts,
        gradient_accumulation_steps=parts,
        max_steps=steps,
        learning_rate=1e-2,
        optim="sgd",
        max_grad_norm=0.0,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        seed=0,
    )
    trainer = Trainer(
        make_model(),
        arguments,
        train_dataset=make_dataset(),
        compute_loss_func=WeightedLoss(weight),
    )
    trainer.train()
    return trainer.model, [row["loss"] for row in trainer.state.log_history if "loss" in row]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        whole, losses = train(folder, batch_size=8, parts=1)
        accumulated, _ = train(folder, batch_size=8, parts=4)
    pairs = zip(whole.parameters(), accumulated.parameters(), strict=True)
    difference = max((a - b).abs().max().item() for a, b in pairs)
    print("losses:", losses)
    print(f"largest difference of a parameter, 4 parts against the whole batch: {difference:.1e}")
