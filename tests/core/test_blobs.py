"""The spectrum of a plane, which works with half of each wave, is that of the whole ones."""

import numpy as np
import pytest

from dedup_core.fingerprinting.blobs import Spectrum, dct_basis


@pytest.mark.parametrize("shape", [(192, 192), (192, 127), (65, 192), (3, 10), (1, 192), (192, 1)])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.3])
def test_a_filtered_plane_is_that_of_whole_waves(shape, share):
    random = np.random.default_rng(7)
    plane = random.integers(0, 256, shape).astype(np.float64)
    high, wide = (max(1, int(side * share)) for side in shape)
    response = random.random((high, wide))
    rows, columns = (dct_basis(side, side) for side in shape)
    expected = rows[:high].T @ ((rows @ plane @ columns.T)[:high, :wide] * response) @ columns[:wide]
    np.testing.assert_allclose(Spectrum(plane).filtered(response), expected, atol=1e-9)
