"""Value, gradient and curvature of a loss under plain NumPy."""
