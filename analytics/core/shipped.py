"""The fitted numbers that come with the program: data of the package, as fixed as its code."""

from __future__ import annotations

from functools import cache
from importlib import resources

from analytics.core.activity_model import ActivityModel, parse_activity_model
from analytics.core.posture_model import PostureModel


@cache
def shipped_postures() -> PostureModel:
    """The posture model of this version."""
    return PostureModel.decode(
        resources.files("analytics.core").joinpath("posture_model.json").read_bytes()
    )


@cache
def shipped_activities() -> ActivityModel:
    """The activity model of this version."""
    return parse_activity_model(
        resources.files("analytics.core").joinpath("activity_model.toml").read_text("utf-8")
    )
