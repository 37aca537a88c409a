"""The provider's side of each wire as a real HTTP server, for tests, the simulator and benchmarks."""
