"""A Django project whose users sign in with Admit; run by tests/users/test_django.py."""
