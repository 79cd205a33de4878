# SPDX-License-Identifier: Apache-2.0
"""Every setting, read from the environment; the embedded default needs none. docs/reference/settings.md lists them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from smartcity import domains

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("SMARTCITY_VAR", ROOT / "var")).resolve()


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def confidential(variable: str) -> str:
    """The variable, else what stands in the file that VARIABLE_FILE names; empty where neither is given."""
    file = os.environ.get(f"{variable}_FILE", "")
    try:
        return os.environ.get(variable, "") or (Path(file).read_text().strip() if file else "")
    except (OSError, UnicodeDecodeError) as problem:
        raise ImproperlyConfigured(f"{variable}_FILE names a file that cannot be read: {problem}") from None


def secret(name: str) -> str:
    """From the environment or a file it names, else from the file the first run writes; empty before that."""
    path = VAR / "secrets" / name
    return confidential(f"SMARTCITY_{name.upper()}") or (path.read_text().strip() if path.exists() else "")


def with_password(url: str, password: str) -> str:
    """`redis://host:6379/0` with the password put in; as it was where either is empty."""
    parts = urlsplit(url)
    if not url or not password:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{host}").geturl()


DEBUG = flag("SMARTCITY_DEBUG")
SECRET_KEY = secret("secret_key") or "unset: script/server writes one on its first run, nothing is served before"
ALLOWED_HOSTS = os.environ.get("SMARTCITY_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("SMARTCITY_ORIGINS", "").split(",") if o]

DOMAINS = domains.find(ROOT)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "smartcity.api.admin_site.CityAdminConfig",
    "rest_framework",
    "rest_framework_gis",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "leaflet",
    "channels",
    "django_tasks",
    "django_tasks_db",
    "smartcity.api",
    "smartcity.devices",
    "smartcity.telemetry",
    "smartcity.forecasting",
    "smartcity.control",
    "smartcity.alarms",
    "smartcity.twin",
    "smartcity.web",
    *DOMAINS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "smartcity.web.middleware.RequestId",
    "smartcity.web.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "smartcity.web.middleware.SignedInOnly",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "smartcity.urls"
ASGI_APPLICATION = "smartcity.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "smartcity.web.context.shell",
            ]
        },
    }
]


POOL = {"min_size": 0, "max_size": int(os.environ.get("SMARTCITY_POOL") or 20), "timeout": 10, "max_idle": 300}


def database(name: str, suffix: str, spatial: bool = False) -> dict[str, Any]:
    """One alias: a file of its own under VAR, or a database of its own on the server DATABASE_URL names."""
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.scheme:
        engine = "smartcity.spatialite" if spatial else "django.db.backends.sqlite3"
        pragmas = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA busy_timeout=20000;"
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas}
        return {
            "ENGINE": engine,
            "NAME": str(VAR / f"{name}.sqlite3"),
            "OPTIONS": options,
            "TEST": {"NAME": str(VAR / f"test-{name}.sqlite3")},
        }
    return {
        "ENGINE": "django.contrib.gis.db.backends.postgis" if spatial else "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/") + suffix,
        "USER": unquote(url.username or ""),
        "PASSWORD": confidential("DATABASE_PASSWORD") or unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        # A pool: a connection kept per thread would leak, since each request has a thread of its own.
        "OPTIONS": {**dict(parse_qsl(url.query)), "pool": POOL},
    }


DATABASES = {
    "default": database("city", "", spatial=True),
    "telemetry": database("telemetry", "_telemetry"),
    "tasks": database("tasks", "_tasks"),
}
DATABASE_ROUTERS = ["smartcity.devices.routing.OneHomePerApp"]
SILENCED_SYSTEM_CHECKS = ["gis.W001"]  # our own SpatiaLite engine is spatial, the check only knows Django's
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
REDIS_URL = with_password(os.environ.get("REDIS_URL", ""), confidential("REDIS_PASSWORD"))
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}  # the hub needs none; never Redis
HERE = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "here"}
SHARED = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "LOCATION": REDIS_URL,
    "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
}
CACHES = {"default": SHARED if REDIS_URL else HERE, "here": HERE}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_COOKIES = flag("SMARTCITY_HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
CITY_TIME_ZONE = os.environ.get("SMARTCITY_TIME_ZONE", "")  # empty: that of the map in force (devices/time_zone.py)
CITY_NAME = os.environ.get("SMARTCITY_NAME", "")
FORECAST_EXECUTOR = os.environ.get("SMARTCITY_FORECAST_EXECUTOR", "")
HOLIDAYS = os.environ.get("SMARTCITY_HOLIDAYS", "")
WEATHER = os.environ.get("SMARTCITY_WEATHER", "")
WEATHER_KEY = confidential("SMARTCITY_WEATHER_KEY")
WEATHER_PLAIN = flag("SMARTCITY_WEATHER_PLAIN")
PERSONAL_AT_LEAST = int(os.environ.get("SMARTCITY_PERSONAL_AT_LEAST") or 10)
RAW_DAYS = int(os.environ.get("SMARTCITY_RAW_DAYS") or 0)
QUARANTINE_KEY = secret("quarantine_key")
QUARANTINE_DAYS = int(os.environ.get("SMARTCITY_QUARANTINE_DAYS") or 14)
EVENT_LOG_DAYS = int(os.environ.get("SMARTCITY_EVENT_LOG_DAYS") or 0)
SEED = int(os.environ.get("SMARTCITY_SEED") or 1)
TILE_URL = os.environ.get("SMARTCITY_TILE_URL", "")

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
NODE_MODULES = ROOT / "node_modules"
STATICFILES_DIRS = [
    ROOT / "static",
    *(
        (f"npm/{package}", NODE_MODULES / folder)
        for package, folder in {
            "protomaps-leaflet": "protomaps-leaflet/dist",
            "uplot": "uplot/dist",
            "inter": "@fontsource-variable/inter",
        }.items()
        if (NODE_MODULES / folder).is_dir()
    ),
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

MQTT_ADDRESS = os.environ.get("SMARTCITY_MQTT", "127.0.0.1:1883")
MQTT_TLS_ADDRESS = os.environ.get("SMARTCITY_MQTT_TLS", "0.0.0.0:8883")
MQTT_CERTIFICATE = os.environ.get("SMARTCITY_MQTT_CERTIFICATE", "")
MQTT_KEY = os.environ.get("SMARTCITY_MQTT_KEY", "")
MQTT_CLIENT_CA = os.environ.get("SMARTCITY_MQTT_CLIENT_CA", "")
MQTT_CERTIFICATES_ONLY = flag("SMARTCITY_MQTT_CERTIFICATES_ONLY")
COAP_ADDRESS = os.environ.get("SMARTCITY_COAP", "")
BRIDGE = os.environ.get("SMARTCITY_BRIDGE", "")
BRIDGE_CLIENT_ID = os.environ.get("SMARTCITY_BRIDGE_CLIENT_ID", "")
VAPID_PRIVATE_KEY = secret("vapid_private_key")
VAPID_PUBLIC_KEY = os.environ.get("SMARTCITY_VAPID_PUBLIC_KEY", "")
PUSH_HOSTS = os.environ.get(
    "SMARTCITY_PUSH_HOSTS",
    "fcm.googleapis.com,updates.push.services.mozilla.com,web.push.apple.com,*.push.apple.com,*.notify.windows.com",
).split(",")
PUSH_PLACES = flag("SMARTCITY_PUSH_PLACES")
VAPID_SUBJECT = os.environ.get("SMARTCITY_VAPID_SUBJECT", "mailto:operations@city.invalid")
EMAIL_BACKEND = os.environ.get("SMARTCITY_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("SMARTCITY_FROM", "smart-city@city.invalid")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["smartcity.api.authentication.SignedIn", "smartcity.api.authentication.Token"],
    "DEFAULT_PERMISSION_CLASSES": ["smartcity.api.access.MayAct"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "smartcity.api.pagination.Pages",
    "DEFAULT_THROTTLE_CLASSES": ["smartcity.api.throttling.PerUser"],
    "DEFAULT_THROTTLE_RATES": {"user": os.environ.get("SMARTCITY_API_RATE", "1200/min")},
    "EXCEPTION_HANDLER": "smartcity.api.errors.as_problem",
    "PAGE_SIZE": 100,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Smart City",
    "DESCRIPTION": "Sense, forecast, decide, act, verify: the city's REST interface.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["smartcity.api.access.MayAct"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"psycopg.pool": {"level": "ERROR"}},  # whoever asked for the connection says that there is none
    "root": {"handlers": ["stderr"], "level": os.environ.get("SMARTCITY_LOG", "WARNING")},
}
