"""What many sittings say, counted when one is scored (docs/decisions/0010-whole-number-tallies.md)."""
