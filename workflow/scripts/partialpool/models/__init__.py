"""Models: functions from compressed data to a PyMC model."""
