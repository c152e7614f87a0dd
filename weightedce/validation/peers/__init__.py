"""The libraries' own functions of the same meaning, held to the same truth.

Each is a function of logits, targets and weights that calls one public function of a library, or
writes a formula as it is often written. What they import, they import when they are called.
"""

from weightedce.validation.peers import jax, keras, tensorflow, torch
from weightedce.validation.peers.peer import PEERS, Peer

__all__ = ["PEERS", "Peer", "jax", "keras", "tensorflow", "torch"]
