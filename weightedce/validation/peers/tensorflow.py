"""What TensorFlow has, and a formula as it is often written with it."""

from typing import Any

from weightedce.validation.peers.peer import peer

BINARY, CLASSES = "binary_cross_entropy", "cross_entropy"


@peer("tf.nn.sigmoid_cross_entropy_with_logits", "tensorflow", BINARY)
def sigmoid(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    return tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)


@peer(
    "tf.nn.weighted_cross_entropy_with_logits",
    "tensorflow",
    BINARY,
    options={"pos_weight": [2.0, 10.0]},
)
def weighted(logits: Any, targets: Any, pos_weight: Any) -> Any:
    import tensorflow as tf

    return tf.nn.weighted_cross_entropy_with_logits(
        labels=targets, logits=logits, pos_weight=pos_weight
    )


@peer("tf.nn.softmax_cross_entropy_with_logits", "tensorflow", CLASSES, soft=True)
def softmax(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    return tf.nn.softmax_cross_entropy_with_logits(labels=targets, logits=logits)


@peer("tf.nn.sparse_softmax_cross_entropy_with_logits", "tensorflow", CLASSES, labels=True)
def sparse(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)


@peer("tf.math.softplus(-z)", "tensorflow", BINARY)
def softplus(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    return tf.math.softplus(tf.where(targets == 1, -logits, logits))


@peer("tf: max(z, 0) - z y + log1p(exp(-|z|))", "tensorflow", BINARY)
def stable_formula(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    return tf.nn.relu(logits) - logits * targets + tf.math.log1p(tf.exp(-tf.abs(logits)))


@peer("tf: logsumexp(z) - z_y", "tensorflow", CLASSES)
def logsumexp(logits: Any, targets: Any) -> Any:
    import tensorflow as tf

    right = tf.gather(logits, targets, axis=1, batch_dims=1)
    return tf.reduce_logsumexp(logits, axis=1) - right
