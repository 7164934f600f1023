"""Admit at home in a framework: one thin module for each, and none imports another's framework."""
