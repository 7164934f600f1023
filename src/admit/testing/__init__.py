"""The contracts, as suites to run on another store or adapter than ours; they need pytest."""
