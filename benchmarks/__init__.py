"""How fast depin-helm is, as ratios to bare commands measured in the same run: `make benchmarks`."""
