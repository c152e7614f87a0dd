"""What Keras has, on the backend that it is set to. It averages over the last axis."""

from typing import Any

from weightedce.validation.peers.peer import peer

BINARY, CLASSES = "binary_cross_entropy", "cross_entropy"


@peer("keras binary_crossentropy, from_logits", "keras", BINARY, package="keras")
def binary(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.binary_crossentropy(targets[..., None], logits[..., None], from_logits=True)


@peer("keras binary_crossentropy of sigmoid", "keras", BINARY, package="keras")
def binary_of_sigmoid(logits: Any, targets: Any) -> Any:
    import keras

    probabilities = keras.ops.sigmoid(logits)
    return keras.losses.binary_crossentropy(targets[..., None], probabilities[..., None])


@peer("keras categorical_crossentropy, from_logits", "keras", CLASSES, package="keras", soft=True)
def categorical(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.categorical_crossentropy(targets, logits, from_logits=True)


@peer("keras categorical_crossentropy of softmax", "keras", CLASSES, package="keras", soft=True)
def categorical_of_softmax(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.categorical_crossentropy(targets, keras.ops.softmax(logits))


@peer(
    "keras sparse_categorical_crossentropy, from_logits",
    "keras",
    CLASSES,
    package="keras",
    labels=True,
)
def sparse(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)


@peer(
    "keras binary_focal_crossentropy, from_logits, gamma 0.5",
    "keras",
    "binary_focal_loss",
    package="keras",
    options={"gamma": 0.5},
)
def binary_focal_half(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.binary_focal_crossentropy(
        targets[..., None], logits[..., None], gamma=0.5, from_logits=True
    )


@peer(
    "keras binary_focal_crossentropy, from_logits, gamma 2",
    "keras",
    "binary_focal_loss",
    package="keras",
    options={"gamma": 2.0},
)
def binary_focal(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.binary_focal_crossentropy(
        targets[..., None], logits[..., None], gamma=2.0, from_logits=True
    )


@peer(
    "keras categorical_focal_crossentropy, from_logits",
    "keras",
    "focal_loss",
    package="keras",
    options={"gamma": 2.0},
    soft=True,
)
def categorical_focal(logits: Any, targets: Any) -> Any:
    import keras

    return keras.losses.categorical_focal_crossentropy(
        targets, logits, alpha=1.0, gamma=2.0, from_logits=True
    )
