"""The scale of C-NMC 2019: µm per pixel, derived from the size of its cells.

The data set does not state its scale. The 15 subjects with normal cells that were measured have
median diameters (of a disk with the cell's area) of 156 to 225 px, with the median 185 px; the 30
with ALL have 188 to 238 px, with the median 217 px. A small lymphocyte of a dry smear is 7 to 10 µm
wide (Horiba Hematovision: 8 to 10; CellAtlas: 7 to 8, large ones 9 to 15), about 9 µm in the
middle: 9 µm / 185 px = 0.049 µm per pixel. At 0.05 µm the ALL cells are 10.9 µm wide, at the lower
end of the 10 to 20 µm of a lymphoblast, as it should be where segmentation leaves out most of the
cytoplasm. The range of the lymphocyte's size is the uncertainty: 8 and 10 µm give 0.043 and 0.054.
"""

CNMC_UM_PER_PX = 0.05
"""Scale of C-NMC images, µm per pixel."""
CNMC_UNCERTAINTY = 0.15
"""Relative uncertainty of `CNMC_UM_PER_PX`: as a factor it is common to all cells, so it moves
the sizes in µm, but not the comparison of cells at one scale."""


def differs(um_per_px: float, expected: float = CNMC_UM_PER_PX) -> bool:
    """True if a scale differs from the expected one by more than `CNMC_UNCERTAINTY`."""
    return abs(um_per_px / expected - 1) > CNMC_UNCERTAINTY
