"""`manage.py admit`."""
