"""PyTorch: the operators as kernels of Triton. Only imported where Triton is.

The formulas are those of `weightedce.numerics`, whose names they bear; float32 throughout, in
registers, whatever the logits are stored in.
"""
