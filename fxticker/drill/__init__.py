"""The drill: a loopback server that plays what goes wrong on the net, and what the collector makes of each of it."""
