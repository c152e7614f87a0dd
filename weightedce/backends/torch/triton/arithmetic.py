"""Kernels: exponential, logarithm and power to the last digits, of float32, by arithmetic alone.

The exponential of a GPU is an approximation that errs by |x| ulp, and in the interpreter there is
another one. Here every device computes the same numbers. NaN stays NaN.
"""

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
LN2_HIGH = tl.constexpr(0.693145751953125)  # of 16 bits: its product with an exponent is exact
LN2_LOW = tl.constexpr(1.4286068203094172e-06)
LEAST = tl.constexpr(-110.0)  # from here on exp(x) is 0
LARGEST = tl.constexpr(3.4028234663852886e38)
SMALLEST_NORMAL = tl.constexpr(1.1754943508222875e-38)


@triton.jit
def power_of_two(n):
    """Return 2^n for integers n in -126..127."""
    return ((n + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def scaled(x, n):
    """Return x * 2^n for integers n in -252..254, in two steps, since 2^n may be an underflow."""
    half = n >> 1
    return x * power_of_two(half) * power_of_two(n - half)


@triton.jit
def exp_near_zero(r):
    """Return e^r for |r| <= ln(2) / 2 by its series."""
    series = 1.0 / 720.0 + r * (1.0 / 5040.0)
    series = 1.0 / 24.0 + r * (1.0 / 120.0 + r * series)
    return 1.0 + (r + r * r * (0.5 + r * (1.0 / 6.0 + r * series)))


@triton.jit
def exp(x):
    """Return e^x for x <= 87: 2^n e^r with n = round(x / ln 2)."""
    x = tl.where(x < LEAST, LEAST, x)
    n = tl.floor(x * LOG2_E + 0.5)
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    return scaled(exp_near_zero(r), tl.where(n == n, n, 0.0).to(tl.int32))


@triton.jit
def exp_of_difference(a, b, low):
    """Return e^(a - b + low) for a <= b and a small ``low``, with the rounding of a - b put back.

    It would move the exponential by |a - b| / 2 ulp.
    """
    d = a - b
    back = a - d
    lost = (a - (d + back)) - (b - back) + low
    power = exp(d)
    return tl.where(d < LEAST, 0.0, power + power * (lost + 0.5 * lost * lost))


@triton.jit
def tanh(x):
    """Return tanh(x): 1 - 2 t / (1 + t) with t = e^(-2|x|), and near 0 its series."""
    far, u = tl.abs(x), x * x
    t = exp(-2.0 * far)
    large = 1.0 - tl.div_rn(2.0 * t, 1.0 + t)
    # continued fraction
    near = tl.where(far < 0.55, u, 0.0)
    small = 9.0 + tl.div_rn(near, 11.0)
    small = 5.0 + tl.div_rn(near, 7.0 + tl.div_rn(near, small))
    small = 1.0 + tl.div_rn(near, 3.0 + tl.div_rn(near, small))
    return tl.where(far < 0.55, tl.div_rn(x, small), tl.where(x < 0.0, -large, large))


@triton.jit
def odd_series(t):
    """Return 2 atanh(t) for |t| <= 1/3."""
    u = t * t
    series = 1.0 / 13.0 + u * (1.0 / 15.0 + u * (1.0 / 17.0))
    series = 1.0 / 7.0 + u * (1.0 / 9.0 + u * (1.0 / 11.0 + u * series))
    return 2.0 * t + 2.0 * t * (u * (1.0 / 3.0 + u * (1.0 / 5.0 + u * series)))


@triton.jit
def parts(x):
    """Return n and f with x = 2^n f, and f between sqrt(1/2) and sqrt(2), for normal x > 0."""
    bits = x.to(tl.int32, bitcast=True)
    n = ((bits + (0x3F800000 - 0x3F3504F3)) >> 23) - 127
    return n, (bits - (n << 23)).to(tl.float32, bitcast=True)


@triton.jit
def log(x):
    """Return the logarithm of a normal number above 0."""
    n, f = parts(x)
    whole = n.to(tl.float32)
    return whole * LN2_HIGH + (odd_series(tl.div_rn(f - 1.0, f + 1.0)) + whole * LN2_LOW)


@triton.jit
def log1p(t):
    """Return log(1 + t) for t >= -1/4: up to 1 it is 2 atanh(t / (2 + t))."""
    far = t > 1.0
    near = odd_series(tl.div_rn(tl.where(far, 0.0, t), 2.0 + tl.where(far, 0.0, t)))
    return tl.where(far, log(tl.where(far, 1.0 + t, 1.0)), near)


@triton.jit
def power(x, gamma, COARSE: tl.constexpr, WHOLE: tl.constexpr):
    """Return x^gamma for x in [0, 1], and gamma above 0; ``WHOLE``: gamma, if it is 1 to 4, else 0.

    It is 2^(gamma log2 x), of which the product of ``COARSE``, gamma but for bits that do not
    matter to it, and the exponent of x is exact: what is rounded is small.
    """
    if WHOLE == 1:
        raised = x
    elif WHOLE == 2:
        raised = x * x
    elif WHOLE == 3:
        raised = x * x * x
    elif WHOLE == 4:
        raised = (x * x) * (x * x)
    else:
        small = x < SMALLEST_NORMAL
        n, f = parts(tl.where(x > 0.0, tl.where(small, x * 16777216.0, x), 1.0))
        n = tl.where(small, n - 24, n).to(tl.float32)
        exact = COARSE * n
        whole = tl.floor(exact + 0.5)
        fraction = odd_series(tl.div_rn(f - 1.0, f + 1.0)) * LOG2_E
        left = (exact - whole) + ((gamma - COARSE) * n + gamma * fraction)
        more = tl.floor(left + 0.5)
        whole = tl.where(whole + more < -160.0, -160.0, whole + more)
        raised = scaled(exp_near_zero((left - more) * 0.6931471805599453), whole.to(tl.int32))
        raised = tl.where(x > 0.0, raised, tl.where(x == 0.0, 0.0, x))
    return raised
