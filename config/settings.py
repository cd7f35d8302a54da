"""One settings module for every way to run Cutscore; the environment says which (docs/deploy.md).

Without CELERY_BROKER_URL it is the embedded mode: SQLite and a Celery worker inside the one web process.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
TESTING = "pytest" in sys.modules

# ── how it runs ──
DEMO = env.bool("DEMO", default=False)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="memory://localhost//")
EMBEDDED = CELERY_BROKER_URL.startswith("memory://")
HTTPS = env.bool("HTTPS", default=not EMBEDDED)
DEBUG = env.bool("DEBUG", default=False)


def _secret_key() -> str:
    """SECRET_KEY from the environment; the embedded mode makes its own once and keeps it in var/."""
    if key := env.str("SECRET_KEY", default=""):
        return str(key)
    if not EMBEDDED:
        raise ImproperlyConfigured(
            "Set SECRET_KEY: 50 or more random characters, the same for every process."
        )
    path = VAR_DIR / "secret_key"
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(60))
    return path.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# ── applications ──
INSTALLED_APPS = [
    "accounts",
    "questions",
    "exams",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "config.staticfiles.StaticFiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "template_partials",
]

MIDDLEWARE = [
    "config.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.security_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.time_zone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
        },
    }
]

# ── data ──
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'cutscore.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    # IMMEDIATE takes the write lock at BEGIN: a deferred transaction that upgrades later is refused without waiting.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;",
    }
    # Kept open by each thread: opening costs as much as a save, and the last to close writes the whole log back.
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

CACHE_URL = env.str("CACHE_URL", default="locmemcache://cutscore")
CACHES = {"default": env.cache_url_config(CACHE_URL)}
# The cache is never the only copy: sessions are written to the database too, and without Redis the site goes on.
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "config.cache.RedisCache"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# ── accounts ──
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "exams:home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="none" if EMBEDDED else "mandatory")
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
# A class signs in from one address within a minute; a guesser is stopped by the limits per account.
ACCOUNT_RATE_LIMITS = {
    "login": "3000/m/ip",
    "login_failed": "300/m/ip,10/5m/key",
    "signup": "300/m/ip",
    # Wrong invitation codes: 31⁸ are possible, and a class mistypes from one address.
    "join_code": "100/10m/ip",
    "join_code_of_user": "20/10m/user",
}
SIGN_UP_OPEN = env.bool("SIGN_UP_OPEN", default=True)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_TOTP_ISSUER = "Cutscore"
MFA_TOTP_TOLERANCE = 1  # a code typed at the end of its 30 seconds still counts
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION == "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True

# ── e-mail ──
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
# What links in e-mails begin with.
SITE_ADDRESS = env.str(
    "SITE_ADDRESS",
    default="http://localhost:8000" if EMBEDDED else f"https://{(ALLOWED_HOSTS or ['localhost'])[0]}",
).rstrip("/")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Cutscore <noreply@localhost>")

# ── delivery ──
GRACE_SECONDS = env.int("GRACE_SECONDS", default=10)
PRACTICE_DAYS_OPEN = 7
SWEEP_SECONDS = 10

# ── Celery ──
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"exams.tasks.close_overdue": {"queue": "deadlines"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.05} if EMBEDDED else {"visibility_timeout": 300, "socket_connect_timeout": 2}
)
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_BEAT_SCHEDULE = {
    # Messages expire after one interval: a stopped worker doesn't come back to a queue of old sweeps.
    "close-overdue": {
        "task": "exams.tasks.close_overdue",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
    "score-forgotten": {
        "task": "exams.tasks.score_forgotten",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
    "mail-forgotten": {"task": "accounts.tasks.mail_forgotten", "schedule": 300, "options": {"expires": 300}},
    "renew-papers": {"task": "exams.tasks.renew_papers", "schedule": 30, "options": {"expires": 30}},
    "fold-statistics": {"task": "exams.tasks.fold_statistics", "schedule": 30, "options": {"expires": 30}},
    "remind": {"task": "exams.tasks.remind_of_assignments", "schedule": 300, "options": {"expires": 300}},
    "resume-runs": {"task": "questions.tasks.resume_runs", "schedule": 60, "options": {"expires": 60}},
    "forget-runs": {"task": "questions.tasks.forget_runs", "schedule": 86_400, "options": {"expires": 3_600}},
    "resume-reports": {"task": "exams.tasks.resume_reports", "schedule": 60, "options": {"expires": 60}},
    "forget-reports": {
        "task": "exams.tasks.forget_reports",
        "schedule": 86_400,
        "options": {"expires": 3_600},
    },
}

# ── language, time, files ──
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "config.staticfiles.StaticStorage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG
MEDIA_ROOT = VAR_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

# ── security ──
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if env.bool("BEHIND_PROXY", default=not EMBEDDED):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies add to X-Forwarded-For: without it, limits per address count everybody behind one as one.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# ── logs ──
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "config.logs.RequestIdFilter"}},
    "formatters": {
        "json": {"()": "config.logs.JsonFormatter"},
        "plain": {"format": "%(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.str("LOG_FORMAT", default="plain" if EMBEDDED else "json"),
            "filters": ["request_id"],
        }
    },
    "root": {
        "handlers": ["console"],
        "level": env.str("LOG_LEVEL", default="WARNING" if EMBEDDED else "INFO"),
    },
    # Own handler in Django's defaults: one line an event, through ours.
    "loggers": {"django": {"handlers": [], "propagate": True}, "celery": {"handlers": [], "propagate": True}},
}
