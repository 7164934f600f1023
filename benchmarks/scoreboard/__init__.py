"""The page that says how Admit and what people use today compare, made of the figures alone."""
