"""
Segmentation with pixels that nobody labelled
=============================================

Small bright spots on a noisy ground are 2 % of the pixels, and a band around each is too unclear to
label: 255, as in PASCAL VOC. `ignore_index` leaves these out of the loss, of its mean and of the
counts that weights are made from.
"""

import matplotlib.pyplot as plt
import torch

from weightedce import balanced, class_counts
from weightedce.torch import CrossEntropyLoss

UNCLEAR = 255
torch.manual_seed(0)


def images(n):
    """Return images (n, 1, 32, 32) and their labels (n, 32, 32)."""
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    centre = 6 + 20 * torch.rand(n, 2, 1, 1)
    distance = ((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2).sqrt()
    labels = (distance < 2.5).long()
    labels[(distance >= 2.5) & (distance < 4)] = UNCLEAR
    return torch.exp(-(distance**2) / 12)[:, None] + 0.6 * torch.randn(n, 1, 32, 32), labels


pictures, labels = images(20)
weight = balanced(class_counts(labels, 2, ignore_index=UNCLEAR))
print("class weights", weight)


def segment(criterion):
    """Train a small convolutional network."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 5, padding=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 5, padding=2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        criterion(model(pictures), labels).backward()
        optimizer.step()
    return model


plain = segment(CrossEntropyLoss(ignore_index=UNCLEAR))
weighted = segment(CrossEntropyLoss(weight, ignore_index=UNCLEAR))

# %%
# On images that the networks have not seen:

unseen, truth = images(20)
found = {
    name: model(unseen).argmax(1) for name, model in (("plain", plain), ("weighted", weighted))
}
for name, decided in found.items():
    spots, ground = (decided[truth == k] == k for k in (1, 0))
    spots, ground = spots.float().mean(), ground.float().mean()
    print(f"{name:8} spot pixels found {spots:.2f}, ground right {ground:.3f}")

figure, panels = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
shown = truth[0].clone()
shown[shown == UNCLEAR] = 2
for panel, (title, values) in zip(
    panels,
    {"image": unseen[0, 0], "labels (grey: unclear)": torch.tensor([0.0, 1.0, 0.5])[shown],
     "plain": found["plain"][0], "weighted": found["weighted"][0]}.items(),
    strict=True,
):  # fmt: skip
    panel.imshow(values, cmap="gray_r")  # spots are dark, as ink on paper
    panel.set_title(title, fontsize=10)
    panel.set(xticks=[], yticks=[])
plt.show()
