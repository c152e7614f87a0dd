"""The building blocks of the losses, where floating point is argued about. It knows no loss."""
