"""Every system that the paper of Yuan et al. builds, compares with or cites: what it is called here, and where."""

from collections.abc import Iterator
from dataclasses import dataclass

from deblurlib import blind


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue.

    Attributes:
        kind: What sort of system it is.
        title: For people.
        papers: Keys of the bibliography.
        numbers: Of these in the references of Yuan et al.
        door: Where it is in the library: a public name, `method="..."` of `deblurlib.blind.estimate`, or
            `system="..."` of `deblurlib.training.TrainingConfig`.
        chapter: Of the book.
    """

    kind: str
    title: str
    papers: tuple[str, ...]
    numbers: tuple[int, ...]
    door: str
    chapter: str


Row = tuple[str, tuple[str, ...], tuple[int, ...], str, str]

KNOWN: tuple[Row, ...] = (
    ("Inverse filter", (), (), "inverse_filter", "3-known-kernel/deconvolution"),
    ("Wiener filter", ("wiener1949",), (), "wiener", "3-known-kernel/deconvolution"),
    ("Tikhonov", ("tikhonov1963",), (), "tikhonov", "3-known-kernel/deconvolution"),
    ("Richardson–Lucy", ("richardson1972", "lucy1974"), (), "richardson_lucy", "3-known-kernel/richardson_lucy"),
    ("Total variation", ("rudin1992", "wang2008"), (), "total_variation", "3-known-kernel/priors"),
    ("Hyper-Laplacian", ("krishnan2009",), (20,), "hyper_laplacian", "3-known-kernel/priors"),
    ("Sparse derivatives", ("levin2007",), (), "sparse", "3-known-kernel/priors"),
    ("L0 norm of the gradients", ("xu2011",), (), "l0_gradient", "3-known-kernel/priors"),
    ("Denoiser as a prior (IRCNN)", ("zhang2017",), (50,), "plug_and_play", "3-known-kernel/learned"),
    ("Deconvolution CNN", ("xu2014",), (46,), "deconvolution_cnn", "3-known-kernel/learned"),
    ("Very deep deconvolution", ("wang2018",), (43,), "deep_deconvolution", "3-known-kernel/learned"),
)
"""Functions of `deblurlib.deconvolution`."""

TRAINED: tuple[Row, ...] = (
    ("Regression, without a judge", (), (), "regression", "5-learning/regression"),
    ("pix2pix", ("isola2017",), (15,), "pix2pix", "5-learning/conditional_gans"),
    ("DeblurGAN", ("kupyn2018",), (23,), "deblur_gan", "5-learning/conditional_gans"),
    ("Physics-based GAN", ("pan2021",), (33,), "physics_gan", "5-learning/conditional_gans"),
    ("CycleGAN, unpaired", ("zhu2017",), (51,), "cycle_gan", "5-learning/cycle_gan"),
    ("CycleGAN on pairs", ("zhu2017",), (51,), "paired_cycle_gan", "5-learning/cycle_gan"),
    ("Yuan et al., as they must be meant", ("yuan2020",), (), "yuan", "5-learning/conditional_gans"),
    ("Yuan et al., as printed", ("yuan2020",), (), "yuan_printed", "5-learning/conditional_gans"),
    ("A network that finds the kernel on its way (ours)", (), (), "kernel_guided", "6-evidence/who_wins"),
)
"""Systems of `deblurlib.training`."""

OTHERS: tuple[Row, ...] = (
    ("Adversarial game", ("goodfellow2014",), (9,), "losses.adversarial", "5-learning/gans"),
    ("Least-squares game", ("mao2017",), (28,), "losses.adversarial", "5-learning/gans"),
    ("ResBlock or U-Net, L1 or L2", ("yuan2020",), (), "benchmarks.ablations", "6-evidence/who_wins"),
)
"""Pieces of games, and the experiment of Table 1."""

MEASURES: tuple[Row, ...] = (
    ("PSNR", (), (), "psnr", "2-judging/measuring"),
    ("SSIM", ("wang2004",), (44,), "ssim", "2-judging/measuring"),
    ("MS-SSIM", ("wang2003",), (45,), "ms_ssim", "2-judging/measuring"),
    ("IFC", ("sheikh2005",), (40,), "ifc", "2-judging/disagreement"),
    ("VIF", ("sheikh2006",), (39,), "vif", "2-judging/disagreement"),
    ("NIQE", ("mittal2013",), (30,), "niqe", "2-judging/no_reference"),
)
"""Functions of `deblurlib.metrics`."""


MOTION_FIELD: Row = ("Motion field by a network", ("sun2015",), (41,), "motion_field", "5-learning/varying_motion")
"""A function of `deblurlib.blind` that finds no kernel, but a field."""


def catalogue() -> Iterator[Entry]:
    """All of them, kind by kind. The blind methods are those of `deblurlib.blind.METHODS`.

    Example:
        >>> next(entry for entry in catalogue() if 20 in entry.numbers).door
        'deblurlib.deconvolution.hyper_laplacian'
    """
    for kind, rows, door in (
        ("The kernel is known", KNOWN, "deblurlib.deconvolution.{}"),
        ("The kernel is not known", tuple(_blind()), 'method="{}"'),
        ("The motion differs from place to place", (MOTION_FIELD,), "deblurlib.blind.{}"),
        ("Networks and games", TRAINED, 'system="{}"'),
        ("Parts of games, and an experiment", OTHERS, "deblurlib.{}"),
        ("Metrics", MEASURES, "deblurlib.metrics.{}"),
    ):
        for title, papers, numbers, name, chapter in rows:
            yield Entry(kind, title, papers, numbers, door.format(name), chapter)


def _blind() -> Iterator[Row]:
    for name, method in blind.METHODS.items():
        yield method.title, method.papers, method.numbers, name, method.chapter
