"""What a threshold costs: known photos refused, unknown ones named. Drawn for one threshold, and for a slider's."""

from dataclasses import dataclass

import ipywidgets
import matplotlib.pyplot as plt
import torch

from lessons_lib.teaching.plots import histograms


@dataclass(frozen=True)
class Refusals:
    """How sure a classifier is of photos of folders that it knows and of others.

    known: (N,), unknown: (M,), confidences.   right: (N,), whether a known photo gets its name.   by: what is asked.
    """

    known: torch.Tensor
    unknown: torch.Tensor
    right: torch.Tensor
    by: str

    def shares(self, threshold: float) -> tuple[float, float, float]:
        """In percent: known photos accepted, these named rightly (0 where there are none), unknown photos accepted."""
        accepted, named = self.known >= threshold, self.unknown >= threshold
        rightly = self.right[accepted].double().mean().item() if accepted.any() else 0.0
        return 100 * accepted.double().mean().item(), 100 * rightly, 100 * named.double().mean().item()

    def show(self, threshold: float) -> None:
        """Draws both groups with the threshold, and prints what it does."""
        groups = {"known": self.known, "unknown": self.unknown}
        histograms(groups, threshold=threshold, xlabel=f"largest {self.by}", title="Known and unknown folders")
        plt.show()
        accepted, rightly, named = self.shares(threshold)
        print(f"known:   {accepted:3.0f} % accepted, of which {rightly:.0f} % get their name")
        print(f"unknown: {named:3.0f} % accepted, and named wrongly")

    def slider(self, threshold: float) -> ipywidgets.VBox:
        """The same under a slider that moves the threshold; it begins at this one."""
        low, high = (end.item() for end in torch.cat([self.known, self.unknown]).aminmax())
        slider = ipywidgets.FloatSlider(
            value=threshold, min=low, max=high, step=(high - low) / 100, description="threshold",
            continuous_update=False, readout_format=".2f",
        )  # fmt: skip
        return ipywidgets.VBox([slider, ipywidgets.interactive_output(self.show, {"threshold": slider})])
