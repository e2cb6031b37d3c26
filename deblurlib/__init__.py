"""Image deblurring, from convolution to cycle-GANs.

The rooms of the library are the parts of the book: `blur` makes blurred images, `metrics` judges restorations,
`deconvolution` undoes a known blur, `networks`, `losses` and `training` learn to undo an unknown one, `show` draws
and `exercises` checks. Every image is a float tensor (B, C, H, W) in [0, 1]; every kernel is (B or 1, 1, h, w), odd,
non-negative and sums to one; blur is true convolution, y = k * x + n.

Example:
    >>> import deblurlib as db
    >>> blurred = db.blur.Blur(db.blur.disk(3.0))(db.images.bundled("coffee"))
    >>> blurred.shape
    torch.Size([1, 3, 400, 600])
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from deblurlib import benchmarks as benchmarks
    from deblurlib import blind as blind
    from deblurlib import blur as blur
    from deblurlib import contracts as contracts
    from deblurlib import datasets as datasets
    from deblurlib import deconvolution as deconvolution
    from deblurlib import exercises as exercises
    from deblurlib import images as images
    from deblurlib import losses as losses
    from deblurlib import metrics as metrics
    from deblurlib import networks as networks
    from deblurlib import profile as profile
    from deblurlib import show as show
    from deblurlib import training as training
    from deblurlib.profile import doctor as doctor

__version__ = "0.1.0"

# Rooms open on first use: `deblurlib --help` does not wait for torch.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={
        "benchmarks",
        "blind",
        "blur",
        "contracts",
        "datasets",
        "deconvolution",
        "exercises",
        "images",
        "losses",
        "metrics",
        "networks",
        "profile",
        "show",
        "training",
    },
    submod_attrs={"profile": ["doctor"]},
)
