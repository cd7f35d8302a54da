"""The pages under /cohorts/, one module per subject."""
