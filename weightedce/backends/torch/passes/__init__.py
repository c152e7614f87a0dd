"""PyTorch: operators in torch's own passes, for where Triton is not.

Nothing waits for the device, and all is in float32, for Apple's has nothing wider.
"""
