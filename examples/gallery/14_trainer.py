"""
The Trainer of Hugging Face
===========================

`compute_loss_func` gets the number of labels in all parts of an accumulated batch. The sum of each
part divided by that number adds up to the mean of the whole batch; four parts then train what one
would.
"""

import tempfile

import matplotlib.pyplot as plt
import torch
from transformers import (
    BertConfig,
    BertForTokenClassification,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from weightedce.torch import CrossEntropyLoss

criterion = CrossEntropyLoss([0.5, 0.5, 5.0], reduction="total")  # the third tag is rare


def loss_of(outputs, labels, num_items_in_batch=None):
    """Return the loss of a part. Tokens labelled -100 do not count."""
    total = criterion(outputs.logits.transpose(1, 2), labels)  # classes on axis 1
    return total.mean() if num_items_in_batch is None else total.loss / num_items_in_batch


def sentences(n=16, length=12):
    """Return random tokens and tags, most of them padded: parts have unequal counts of labels."""
    generator = torch.Generator().manual_seed(0)
    rows = []
    for i in range(n):
        tokens = torch.randint(1, 50, (length,), generator=generator)
        labels = torch.where(tokens % 10 == 0, 2, tokens % 2)
        labels[2 + i % 10 :] = -100
        rows.append({"input_ids": tokens, "labels": labels})
    return rows


def losses(parts):
    """Train a tiny BERT with each batch of 8 cut into parts; return its losses."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        num_labels=3,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=8 // parts,
            gradient_accumulation_steps=parts, max_steps=12, learning_rate=0.1, optim="sgd",
            max_grad_norm=0.0, logging_steps=1, save_strategy="no", report_to=[], use_cpu=True,
            disable_tqdm=True, seed=0,
        )  # fmt: skip
        trainer = Trainer(
            BertForTokenClassification(config),
            arguments,
            train_dataset=sentences(),
            compute_loss_func=loss_of,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return [float(row["loss"]) for row in trainer.state.log_history if "loss" in row]


whole, accumulated = losses(1), losses(4)
apart = max(abs(a - b) for a, b in zip(whole, accumulated, strict=True))
print(f"the losses of one part and of four are apart by at most {apart:.1e}")

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.plot(whole, color="#999999", linewidth=5, label="whole batch")
axis.plot(accumulated, "--", color="#0072B2", label="four parts")
axis.set(xlabel="step", ylabel="loss")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
