"""Cohorts: assigning, watching live, and seeing where a group is weak."""
