"""PyTorch: whole losses as operators of torch, for eager code on accelerators."""
