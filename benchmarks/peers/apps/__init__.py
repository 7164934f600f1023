"""The apps of the peers, each as its own documentation would have it."""
