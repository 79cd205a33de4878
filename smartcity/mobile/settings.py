# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: F403, F405
"""The settings of `manage.py runmobile`: the city's, less everything a process for phones can do without."""

from __future__ import annotations

from smartcity.settings import *

SECRET_KEY = secret("mobile_secret_key")  # its own: a session of the console cannot be made with it
ROOT_URLCONF = "smartcity.mobile.urls"
ASGI_APPLICATION = "smartcity.mobile.asgi.application"
LEFT_OUT = {
    "django.contrib.messages",
    "django.contrib.sessions",
    "smartcity.api.admin_site.CityAdminConfig",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "leaflet",
    "channels",
    "django_tasks",
    "django_tasks_db",
    "smartcity.forecasting",
    "smartcity.control",
    "smartcity.twin",
}
INSTALLED_APPS = [app for app in INSTALLED_APPS if app not in LEFT_OUT]
MIDDLEWARE = [layer for layer in MIDDLEWARE if not layer.startswith("django.contrib.messages.")]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "smartcity/mobile/templates", ROOT / "templates"],  # its frame comes before the console's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "smartcity.web.context.shell",
                "smartcity.mobile.tabs.context",
            ]
        },
    }
]

DATABASES = {alias: DATABASES[alias] | {"CONN_MAX_AGE": 0} for alias in ("default", "telemetry")}
CACHES = {name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"} for name in ("default", "here")}

# Sessions live in the phone: this process can neither read nor make one in the city's tables.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_NAME = "mobile_session"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_NAME = "mobile_csrf"
AUTHENTICATION_BACKENDS = ["smartcity.mobile.signing_in.NameAndPassword"]
QUARANTINE_KEY = ""
REST_FRAMEWORK = REST_FRAMEWORK | {
    "DEFAULT_AUTHENTICATION_CLASSES": ["smartcity.api.authentication.SignedIn"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
