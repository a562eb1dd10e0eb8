"""Figures are drawn without a display, and closed after each test."""

import matplotlib
import pytest
from exercises import pytest_generate_tests  # noqa: F401

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")
