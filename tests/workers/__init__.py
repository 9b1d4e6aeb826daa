"""Several worker processes, several browsers, several tabs."""
