"""What Django needs for this, and what Admit does."""

SECRET_KEY = "of-this-example-alone"  # noqa: S105  nothing here is signed with it
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "orders"
INSTALLED_APPS = ["admit.frameworks.django"]
MIDDLEWARE = ["admit.frameworks.django.Middleware", "django.middleware.common.CommonMiddleware"]
ADMIT = {"access_cookie": True}
