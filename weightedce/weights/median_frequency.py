"""Weights of classes by how much they fill of the images that they are in."""

from typing import Any

from weightedce.backends import Array, Namespace, backend_of
from weightedce.call import arguments
from weightedce.call.factors import one_a_class
from weightedce.call.options import Normalize
from weightedce.weights.estimators import weights_of


def median_frequency(pixels: Any, images: Any, *, normalize: Normalize | None = None) -> Any:
    r"""Weigh every class by the median frequency of the classes over its own.

    .. math:: w_k = \frac{\mathrm{median}_j \, f_j}{f_k}, \qquad f_k = \frac{n_k}{m_k}

    with n the pixels of a class and m those of all images that it is in: a class that is rare, but
    large where it is, weighs less than by `balanced`. The class in the middle weighs 1.

    Parameters
    ----------
    pixels : array or list of numbers, shape (K,)
        Pixels of each class, >= 0: see `class_counts`.
    images : array or list of numbers, shape (K,)
        For each class the pixels of all images that it is in; if images are of one size, their
        number will do. Above 0 where there are pixels.
    normalize : {"samples", "classes", None}
        ``None``: the formula as it stands. ``"samples"``: the average weight over the pixels is 1.
        ``"classes"``: the weights sum to K.

    Returns
    -------
    array or list of float, shape (K,)
        As `balanced` returns them. A class without pixels has weight 0, and no part in the median;
        of an even number of classes that is the mean of the two in the middle.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If they are not of one shape (K,), one is negative, infinite or NaN, or there are pixels of
        a class in no image.

    Notes
    -----
    Gradients flow to floating counts. Works inside a compiled step, absent classes included.

    References
    ----------
    Eigen, Fergus (2015), "Predicting Depth, Surface Normals and Semantic Labels with a Common
    Multi-Scale Convolutional Architecture", ICCV, section 6.3.2; for CamVid: Badrinarayanan,
    Kendall, Cipolla (2017), "SegNet", TPAMI, section 4.

    Examples
    --------
    >>> median_frequency([600, 300, 20], [10, 10, 2])  # the third is in 2 of 10 images
    [0.5, 1.0, 3.0]
    """

    def formula(xp: Namespace, n: Array, counts: Array) -> Array:
        shape = backend_of(n).shape(n)
        of_images = one_a_class("images", images, n, n.shape[0])
        of_images = arguments.same_shape("images", of_images, shape, lambda: " like the pixels")
        present = counts != 0
        nowhere = present & (of_images == 0)
        if backend_of(n).read(xp.any(nowhere)):
            raise ValueError("images: expected above 0 for a class that has pixels, got 0")
        of_images = xp.where(nowhere, xp.nan, of_images)
        frequency = n / xp.where(present, of_images, 1.0)
        most = xp.finfo(n.dtype).max
        in_order = xp.sort(xp.where(present, frequency, most))
        number = xp.sum(xp.astype(present, n.dtype))
        places = xp.astype(xp.arange(n.shape[0], device=backend_of(n).device(n)), n.dtype)
        middle = (places == xp.floor((number - 1) / 2)) | (places == xp.floor(number / 2))
        middle = middle & (places < number)  # none, if there is no class
        taken = xp.sum(xp.where(middle, in_order, xp.zeros_like(in_order)))
        taken = taken + 0.0 * xp.sum(xp.where(present, frequency, 0.0))  # of NaN no median is known
        chosen = xp.sum(xp.astype(middle, n.dtype))  # one or two; none of no class
        return taken / xp.where(chosen == 0.0, 1.0, chosen) / frequency

    return weights_of(pixels, normalize, formula)
