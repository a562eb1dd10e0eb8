"""What is measured, each in one place: numbers of one run, and statistics over runs."""

from lessons_lib.metrics.separation import separation
from lessons_lib.metrics.statistics import Interval, harmonic_mean, interval, paired_difference, summary, table

__all__ = ["Interval", "harmonic_mean", "interval", "paired_difference", "separation", "summary", "table"]
