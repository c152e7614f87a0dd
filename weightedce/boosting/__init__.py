"""Objectives for XGBoost, LightGBM and CatBoost, from any loss. It imports none of them."""

from weightedce.boosting.objective import Objective

__all__ = ["Objective"]
