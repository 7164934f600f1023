"""A Django project of an API whose users sign in with simplejwt."""
