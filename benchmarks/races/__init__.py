"""How honest a system is with its users, and how hard on thieves: races over HTTP, counted.

A system is known by its adapter alone (benchmarks/peers/peer.py); docs/races.md tells the rest.
"""
