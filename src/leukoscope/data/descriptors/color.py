"""Color and optical density of a cell, over the pixels of the cell."""

import numpy as np
from numpy.typing import NDArray

from leukoscope.data.descriptors.foreground_crop import Descriptor, ForegroundCrop, moments

CHANNELS = ("red", "green", "blue")
RUIFROK = (
    "optical density: Ruifrok and Johnston, Quantification of histochemical staining by color "
    "deconvolution, Anal. Quant. Cytol. Histol. 23, 2001"
)

COLOR = (
    *(
        descriptor
        for channel in CHANNELS
        for descriptor in (
            Descriptor(f"{channel}_mean", "gray levels", f"mean of {channel} on the cell"),
            Descriptor(
                f"ln_{channel}_deviation", "ln gray levels", f"ln of the deviation of {channel}"
            ),
            Descriptor(f"{channel}_skewness", "1", f"skewness of {channel}"),
        )
    ),
    Descriptor("red_green_mean", "1", "mean difference of the optical density in green and red"),
    Descriptor("red_green_deviation", "1", "deviation of that difference over the cell"),
    Descriptor("blue_green_mean", "1", "mean difference of the density in green and blue"),
    Descriptor("blue_green_deviation", "1", "deviation of that difference"),
    Descriptor("saturation_mean", "1", "mean saturation, 1 - smallest / largest channel"),
    Descriptor("saturation_deviation", "1", "deviation of the saturation"),
)
DENSITY = (
    Descriptor("density_mean", "1", "mean optical density, ln(256 / (gray + 1))", RUIFROK),
    Descriptor("ln_density_deviation", "ln 1", "ln of its deviation", RUIFROK),
    Descriptor("density_skewness", "1", "its skewness; above 0: dark clumps on pale background"),
    Descriptor("density_low", "1", "its 5th percentile minus its median"),
    Descriptor("density_high", "1", "its 95th percentile minus its median"),
    Descriptor("rim_density", "1", "its mean on the rim of 5 px minus that inside: pale cytoplasm"),
    Descriptor("rim_red_green", "1", "red_green_mean of the rim of 5 px minus that inside"),
)
_FLOOR = 0.01


def color_descriptors(cell: ForegroundCrop) -> dict[str, float]:
    """Compute the descriptors `COLOR` and `DENSITY`."""
    pixels = cell.color[cell.mask].astype(np.float32)  # (n, 3)
    inside = cell.inside[cell.mask]
    result: dict[str, float] = {}
    for channel, values in zip(CHANNELS, pixels.T, strict=True):
        mean, deviation, skewness = moments(values)
        result |= {
            f"{channel}_mean": mean,
            f"ln_{channel}_deviation": float(np.log(deviation + 1)),
            f"{channel}_skewness": skewness,
        }
    red, green, blue = np.log(256 / (pixels.T + 1))
    for name, difference in (("red_green", green - red), ("blue_green", green - blue)):
        result[f"{name}_mean"], result[f"{name}_deviation"], _ = moments(difference)
    result |= _saturation(pixels)
    return result | _density(cell.density[cell.mask], green - red, inside)


def _saturation(pixels: NDArray[np.float32]) -> dict[str, float]:
    red, green, blue = pixels.T
    largest = np.maximum(np.maximum(red, green), blue)  # above 0 on the cell
    least = np.minimum(np.minimum(red, green), blue)
    mean, deviation, _ = moments(1 - least / largest)
    return {"saturation_mean": mean, "saturation_deviation": deviation}


def _density(
    density: NDArray[np.float32], red_green: NDArray[np.float32], inside: NDArray[np.bool_]
) -> dict[str, float]:
    mean, deviation, skewness = moments(density)
    low, middle, high = np.percentile(density, (5, 50, 95)).tolist()
    rim = ~inside if not inside.all() else inside
    return {
        "density_mean": mean,
        "ln_density_deviation": float(np.log(deviation + _FLOOR)),
        "density_skewness": skewness,
        "density_low": low - middle,
        "density_high": high - middle,
        "rim_density": float(density[rim].mean() - density[inside].mean()),
        "rim_red_green": float(red_green[rim].mean() - red_green[inside].mean()),
    }
