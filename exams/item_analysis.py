"""Classical item analysis: whole-number histograms in, published coefficients out. Pure, knows no Django."""
