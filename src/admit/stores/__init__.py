"""Where sessions, accounts, keys and the audit trail live; `base` is what a store promises."""
