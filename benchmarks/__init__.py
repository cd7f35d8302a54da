"""`python -m benchmarks`: one file per promise that is a number; README.md says what each figure means."""
