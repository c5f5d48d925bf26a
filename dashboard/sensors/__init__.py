"""Sensors and their calibration."""
