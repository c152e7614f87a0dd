"""How a loss of the library becomes an object of a framework. Knows no framework.

Signature, configuration, repr and docstring of an object come from its function: `from_function`.
"""
