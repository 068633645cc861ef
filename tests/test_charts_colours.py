"""Colours of currencies: one table for all charts, told apart by readers who lack one kind of cones."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from fxticker.charts.style import color_of, themed

# linear RGB as readers without red, green or blue cones see it (Machado, Oliveira and Fernandes 2009, severity 1)
SIGHTS = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def _linear(color):
    channels = np.array(to_rgb(color))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _lab(linear):
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ np.clip(linear, 0, 1) / [0.9505, 1, 1.089], 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _luminance(color):
    return TO_XYZ[1] @ _linear(color)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_of_currencies_are_far_apart_for_every_sight(theme, sight):
    with themed(theme) as palette:
        seen = [_lab(SIGHTS[sight] @ _linear(color)) for color in palette.currencies]
    # 2 is the smallest difference that is seen side by side
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 25


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#14181d")])
def test_labels_in_colours_of_currencies_are_readable(theme, ground):
    with themed(theme) as palette:
        pairs = sorted((_luminance(color), _luminance(ground)) for color in palette.currencies)
    assert min((max(pair) + 0.05) / (min(pair) + 0.05) for pair in pairs) >= 4.5


def test_pair_has_the_colour_of_its_currency_in_both_directions():
    with themed("light") as palette:
        assert color_of("KZT/USD", palette) == color_of("USD/KZT", palette) == color_of("KZT/UZS", palette)
        assert len({color_of(f"{code}/USD", palette) for code in ("KGS", "KZT", "TJS", "TMT", "UZS")}) == 5
        assert color_of("USD/RUB", palette) == palette.ink
