"""The figures that Yuan et al. (2020) print, to be read beside ours."""

from deblurlib.benchmarks.tables import SIX

Figures = dict[str, dict[str, float]]
"""By row, then by metric."""

ABLATION = {
    "ResBlock + L1": (18.1626, 0.7386, 0.8123, 3.0014, 0.8036, 4.2355),
    "ResBlock + L2": (23.4854, 0.8078, 0.8808, 3.8848, 0.8554, 5.0138),
    "U-Net + L1": (21.3191, 0.7609, 0.8800, 3.1668, 0.8401, 5.6006),
    "U-Net + L2": (24.6043, 0.8304, 0.9029, 4.2433, 0.9067, 5.2315),
}
"""Table 1: four architectures and losses; over which pictures is not said."""

SCENES = {
    2: {
        "Pan [32]": (19.4989, 0.8045, 0.9756, 0.2212, 0.2515, 29.4517),
        "Pan [34]": (18.5531, 0.7678, 0.9744, 0.1858, 0.2946, 28.1073),
        "Xu and Jia [46]": (19.2943, 0.8004, 0.9723, 0.2858, 0.4417, 25.5722),
        "Kupyn [23]": (25.9832, 0.8912, 0.9893, 0.6692, 0.6667, 26.3751),
        "Ours": (26.5584, 0.9114, 0.9934, 0.7701, 0.6580, 28.8554),
    },
    3: {
        "Pan [32]": (18.6219, 0.7220, 0.9462, 0.2380, 0.3297, 25.9329),
        "Pan [34]": (18.6007, 0.7059, 0.9272, 0.3967, 0.5401, 25.2934),
        "Xu and Jia [46]": (21.0771, 0.7997, 0.9562, 0.6519, 0.5382, 25.2934),
        "Kupyn [23]": (24.7594, 0.8716, 0.9714, 1.0319, 0.6369, 23.5593),
        "Ours": (27.1089, 0.9003, 0.9700, 1.5143, 0.8977, 25.4217),
    },
    4: {
        "Pan [32]": (19.2479, 0.8202, 0.9724, 0.2475, 0.2161, 28.0291),
        "Pan [34]": (18.5358, 0.8030, 0.9593, 0.2297, 0.2625, 28.9056),
        "Xu and Jia [46]": (19.4828, 0.8259, 0.9716, 0.3699, 0.3334, 27.1181),
        "Kupyn [23]": (19.6869, 0.8173, 0.7415, 0.5814, 0.4538, 23.0904),
        "Ours": (25.2607, 0.9308, 0.9813, 1.3580, 0.6851, 25.9405),
    },
    5: {
        "Pan [32]": (17.2663, 0.5999, 0.9644, 0.2381, 0.1564, 20.2053),
        "Pan [34]": (16.1910, 0.5613, 0.9556, 0.3025, 0.2213, 21.7997),
        "Xu and Jia [46]": (17.2508, 0.5614, 0.9651, 0.4181, 0.2580, 22.4268),
        "Kupyn [23]": (13.1351, 0.6728, 0.9574, 0.9368, 0.3311, 19.2725),
        "Ours": (19.4527, 0.6872, 0.9825, 0.9454, 0.3805, 21.0580),
    },
}
"""Tables 2 to 5: one scene each. The scan of Table 2 has lost its row labels; the order is that of the others."""


def printed_table(number: int) -> Figures:
    """A table of the paper.

    Args:
        number: 1 to 5.

    Returns:
        Row -> metric -> figure, in the paper's order.

    Raises:
        ValueError: there is no such table.

    Example:
        >>> printed_table(3)["Ours"]["psnr"], list(printed_table(1))[0]
        (27.1089, 'ResBlock + L1')
    """
    if number not in (1, *SCENES):
        raise ValueError(f"number: expected 1 to 5, got {number!r}.")
    rows = ABLATION if number == 1 else SCENES[number]
    return {name: dict(zip(SIX, figures, strict=True)) for name, figures in rows.items()}
