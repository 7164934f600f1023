"""`python examples/django/manage.py admit user list`, and all that Django has."""

import sys
from os import environ

from django.core.management import execute_from_command_line

environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
