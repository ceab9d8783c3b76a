"""HTTP: how a process is, and later what it knows."""
