"""`admit import` and `admit export`: accounts in from other systems, and out again."""
