"""Everything that a deployment may set, read from the environment here and nowhere else.

With no DATABASE_URL in the environment Souk is *embedded*: it uses the stack that `manage.py stack`
runs under VAR_DIR (its addresses stand in VAR_DIR/stack.json), and makes a secret of its own there.
With DATABASE_URL set, nothing has a default that would be unsafe in production.
"""

import base64
import os
from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env, ValidationError, validate

from marketplace import appearance, schedules
from marketplace.stack.rendezvous import embedded_environment

BASE_DIR = Path(__file__).resolve().parent.parent

# --- where the environment comes from -------------------------------------------------------------
env = Env()
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
# Services that somebody else runs; `manage.py stack` runs the others.
EXTERNAL_SERVICES = {
    name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL", "MILVUS_URI") if os.environ.get(name)
}
EMBEDDED = "DATABASE_URL" not in EXTERNAL_SERVICES
if EMBEDDED:
    for _name, _value in embedded_environment(VAR_DIR).items():
        os.environ[_name] = os.environ.get(_name) or _value

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", validate=validate.Length(min=32))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
HTTPS_ONLY = env.bool("HTTPS_ONLY", not EMBEDDED)

# --- Django ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin.apps.SimpleAdminConfig",  # the pages find it in urls.py; workers need not load it
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "jobs",  # before django_rq: its rqworker listens to every queue when none is named
    "django_rq",
    "marketplace",
    "catalog",
    "qc",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "marketplace.throttling.rate_limit_headers",
]
ROOT_URLCONF = "marketplace.urls"
ASGI_APPLICATION = "marketplace.asgi.application"
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
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 4 * 3600  # s; who asks for a new password waits for the mail
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["marketplace.formats"]
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = EMBEDDED or DEBUG or env.bool("STATIC_FROM_PACKAGES", False)
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(VAR_DIR / "media")))

SECURE_SSL_REDIRECT = HTTPS_ONLY
SESSION_COOKIE_SECURE = HTTPS_ONLY
CSRF_COOKIE_SECURE = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS_ONLY
SECURE_HSTS_PRELOAD = HTTPS_ONLY
BEHIND_PROXY = env.bool("BEHIND_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None

# --- mail -----------------------------------------------------------------------------------------
# Where people reach Souk: what mails and webhooks link to.
PUBLIC_URL = env.str(
    "PUBLIC_URL",
    "http://127.0.0.1:8000" if EMBEDDED else f"https://{next(iter(ALLOWED_HOSTS), 'localhost')}",
    validate=validate.URL(require_tld=False),
)
# submission://user:password@host (STARTTLS, port 587), smtp://host:25, smtp://user:password@host:465?ssl=true. With
# none, sellers are told in their list alone; the embedded stack writes mails into a folder.
EMAIL_URL = env.str(
    "EMAIL_URL",
    "",
    validate=validate.Regexp(r"(|(smtp|submission|console|file)://.*)\Z", error="neither smtp:// nor submission://"),
)
_mail = env.dj_email_url("EMAIL_URL", "")
SENDS_MAIL = bool(EMAIL_URL) or EMBEDDED
EMAIL_BACKEND = _mail.get("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = _mail["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _mail["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _mail["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = _mail["EMAIL_TIMEOUT"] or 20
EMAIL_FILE_PATH = f"/{_mail['EMAIL_FILE_PATH']}"
if EMBEDDED and not EMAIL_URL:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", "" if EMAIL_URL else "Souk <souk@localhost>")
if "@" not in parseaddr(DEFAULT_FROM_EMAIL)[1]:
    raise ImproperlyConfigured(
        "MAIL_FROM names no sender. Where EMAIL_URL is set, say whose mails they are: MAIL_FROM=Souk <a@souk.example>"
    )

# --- what has ended -------------------------------------------------------------------------------
# Days that notifications, mails, used and expired invitations, rechecks and requests for proposals are kept.
HISTORY_KEEP_DAYS = env.float("HISTORY_KEEP_DAYS", 180.0, validate=validate.Range(min=1))

# --- data: PostgreSQL is the truth, Redis carries, Milvus finds -----------------------------------
DATABASES = {"default": env.dj_db_url("DATABASE_URL", conn_max_age=600, conn_health_checks=True)}
# A server that vanished without a word is noticed in some ten seconds; a Unix socket ignores all but the first.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    **DATABASES["default"].get("OPTIONS", {}),
}
# A process that is stopped inside a transaction must not hold its rows for ever.
DATABASES["default"]["OPTIONS"].setdefault("options", "-c idle_in_transaction_session_timeout=60s")

REDIS_URL = env.str("REDIS_URL", "")
if not REDIS_URL:
    _password = env.str("REDIS_PASSWORD", "")
    _auth = f":{_password}@" if _password else ""
    REDIS_URL = f"redis://{_auth}{env.str('REDIS_HOST', '127.0.0.1')}:{env.int('REDIS_PORT', 6379)}/0"
CACHE_URL = env.str("CACHE_URL", REDIS_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "souk",
        # A cache that hangs must not hold up what works without it.
        "OPTIONS": {"socket_timeout": 1.0, "socket_connect_timeout": 1.0},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
MILVUS_URI = env.str("MILVUS_URI", "http://127.0.0.1:19530")
MILVUS_TOKEN = env.str("MILVUS_TOKEN", "")


# --- jobs -----------------------------------------------------------------------------------------
def _are_encryption_keys(keys: Sequence[str]) -> None:
    """Refuse what is no Fernet key, without showing it."""
    for number, key in enumerate(keys, start=1):
        try:
            is_key = len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32
        except ValueError:
            is_key = False
        if not is_key:
            raise ValidationError(f"key {number} is not 32 bytes in URL-safe base64")


# The first encrypts what sensitive tasks carry; all decrypt. See `manage.py rotate_job_keys`.
JOB_ENCRYPTION_KEYS: list[str] = env.list("JOB_ENCRYPTION_KEYS", [], validate=_are_encryption_keys)
# What the apps above keep encrypted under the same keys, as "app.model": [text columns].
JOB_SEALED_COLUMNS = {
    "catalog.catalogconnection": ["token"],
    "marketplace.webhookendpoint": ["secret", "previous_secret"],
}
JOB_CONCURRENCY = env.int("JOB_CONCURRENCY", 5, validate=validate.Range(min=1))
JOB_TIMEOUT_S = env.int("JOB_TIMEOUT", 300, validate=validate.Range(min=1))
JOB_SILENCE_S = env.float("JOB_SILENCE_S", 30.0, validate=validate.Range(min=2))
# Final jobs younger than this stay on the ledger, whatever their tasks say.
JOB_KEEP_S = env.float("JOB_KEEP_S", 3600.0, validate=validate.Range(min=0))
# Submissions from outside: jobs a minute and jobs due at once of one tenant, where its row does not say; and the jobs
# due in all above which low priority is refused (normal above twice, high above four times as many).
JOB_SUBMISSIONS_PER_MIN = env.int("JOB_SUBMISSIONS_PER_MIN", 600, validate=validate.Range(min=1))
JOB_MAX_WAITING = env.int("JOB_MAX_WAITING", 50_000, validate=validate.Range(min=1))
JOB_OVERLOAD_DEPTH = env.int("JOB_OVERLOAD_DEPTH", 50_000, validate=validate.Range(min=1))
# Seconds that a worker which is asked to stop gives the batch in hand; then the batch goes back, and the worker goes.
JOB_GRACE_S = env.float("JOB_GRACE_S", 30.0, validate=validate.Range(min=0))
# Seconds that a running job which is cancelled has to notice it; then its process is ended.
JOB_CANCEL_GRACE_S = env.float("JOB_CANCEL_GRACE_S", 30.0, validate=validate.Range(min=0))
# What a supervisor calls the place that a worker process fills; host and queues by default.
JOB_WORKER_NAME = env.str("JOB_WORKER_NAME", "")
# After so many jobs, or above so much memory, a worker makes room for a fresh one; 0: never.
JOB_WORKER_MAX_JOBS = env.int("JOB_WORKER_MAX_JOBS", 0, validate=validate.Range(min=0))
JOB_WORKER_MAX_MB = env.int("JOB_WORKER_MAX_MB", 0, validate=validate.Range(min=0))
# Where outcomes wait while PostgreSQL is away; it must outlive the process.
JOB_SPOOL_DIR = Path(env.str("JOB_SPOOL_DIR", str(VAR_DIR / "spool")))
# A seller's share of the workers by plan, beside the others'; `manage.py share_by_plan` gives a changed one to all.
PREMIUM_WEIGHT = env.float("PREMIUM_WEIGHT", 4.0, validate=validate.Range(min=0.01))
SELLER_PLAN_WEIGHTS = {"free": 1.0, "standard": 1.0, "premium": PREMIUM_WEIGHT}
JOB_QUEUES = [
    "sync-seller",
    "scrape-catalog",
    "scrape-product",
    "process-images",
    "generate-embedding",
    "quality-control",
    "index-product",
    "scraping",
    "preview",
    "generate-business-embedding",
    "notify-seller",
    "deliver-webhook",
    "ai-generation",
    "photo-processing",
]
JOB_SCHEDULES: dict[str, dict[str, str]] = schedules.SCHEDULES
RQ_QUEUES = {
    name: {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": 3600,
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    for name in JOB_QUEUES
}
RQ = {"WORKER_CLASS": "jobs.worker.PermitWorker"}
RQ_SHOW_ADMIN_LINK = False
# What apps above the engine add to GET /api/queue/stats/: the key, and the function that returns its figures.
JOB_STATS_SECTIONS = {
    "catalog": "catalog.milestones.recent_figures",
    "search": "catalog.search.counting.recent_figures",
    "search_index": "catalog.reindexing.reconciling.index_figures",
    "gemini": "marketplace.gemini.usage.recent_figures",
    "reviewer": "qc.reviewer.figures.recent_figures",
}

# --- catalogs -------------------------------------------------------------------------------------
# Hosts that speak WhatsApp's catalog addresses beside WhatsApp's own (host or host:port).
WHATSAPP_HOSTS: list[str] = env.list("WHATSAPP_HOSTS", [])
# Hosts that may be fetched although their address is private or loopback (development only).
FETCH_PRIVATE_HOSTS: list[str] = env.list("FETCH_PRIVATE_HOSTS", [])
# Requests per second to a domain, and the exceptions: "shop.example=5,127.0.0.1:8000=500".
FETCH_RATE = env.float("FETCH_RATE", 1.0, validate=validate.Range(min=0.001))
FETCH_LIST_RATE = env.float("FETCH_LIST_RATE", 0.5, validate=validate.Range(min=0.001))  # category pages a second
FETCH_RATES: dict[str, float] = env.dict("FETCH_RATES", {}, subcast_values=float)


def _are_http_addresses(addresses: Sequence[str]) -> None:
    """Refuse what is no http address of a proxy, without showing it: it may hold a password."""
    for number, address in enumerate(addresses, start=1):
        if not address.startswith("http://"):
            raise ValidationError(f"address {number} does not begin with http://")


# Forward proxies for load and geography, each domain by one of them; never a way around a site's refusal.
FETCH_PROXIES: list[str] = env.list("FETCH_PROXIES", [], validate=_are_http_addresses)
# Lists and product pages that one sync may read; what is beyond is skipped, and the reason kept.
SYNC_MAX_LISTS = env.int("SYNC_MAX_LISTS", 10_000, validate=validate.Range(min=1))
SYNC_MAX_PRODUCTS = env.int("SYNC_MAX_PRODUCTS", 200_000, validate=validate.Range(min=1))
CHROMIUM_PATH = env.str("CHROMIUM_PATH", "")
# Product feeds while they are read; private, and where workers run on several hosts, the same folder for all and web.
FEED_DIR = Path(env.str("FEED_DIR", str(VAR_DIR / "feeds")))
FEED_MAX_MB = env.int("FEED_MAX_MB", 512, validate=validate.Range(min=1))
# Photos that sellers upload, until they accept what is made of them; private and shared as FEED_DIR is.
PHOTO_DIR = Path(env.str("PHOTO_DIR", str(VAR_DIR / "photos")))
PHOTO_SET_KEEP_DAYS = env.float("PHOTO_SET_KEEP_DAYS", 14.0, validate=validate.Range(min=0.01))
# Meta's Graph API, by which sellers let us read their WhatsApp catalogs.
GRAPH_API_URL = env.str("GRAPH_API_URL", "https://graph.facebook.com/v25.0", validate=validate.URL(require_tld=False))
# Days that a scraping job keeps its result after its end; previews a seller may ask for in a minute.
SCRAPING_RESULT_KEEP_DAYS = env.float("SCRAPING_RESULT_KEEP_DAYS", 30.0, validate=validate.Range(min=0.01))
PREVIEWS_PER_MIN = env.int("PREVIEWS_PER_MIN", 6, validate=validate.Range(min=1))

# --- embeddings and search ------------------------------------------------------------------------
EMBEDDER = env.str("EMBEDDER", "hashing", validate=validate.OneOf(["hashing", "siglip", "gemini"]))
SIGLIP_MODEL = env.str(
    "SIGLIP_MODEL",
    "hf-hub:timm/ViT-B-16-SigLIP",
    validate=validate.Regexp(
        r"(hf-hub:[\w.-]+/[\w.-]+|local-dir:.+)\Z", error="neither hf-hub:ORG/NAME nor local-dir:PATH"
    ),
)
SIGLIP_PICTURE_WEIGHT = env.float("SIGLIP_PICTURE_WEIGHT", 0.5, validate=validate.Range(0.0, 1.0))
SIGLIP_DEVICE = env.str(
    "SIGLIP_DEVICE", "auto", validate=validate.Regexp(r"(auto|cpu|mps|cuda(:\d+)?)\Z", error="no device of torch")
)
SIGLIP_DTYPE = env.str("SIGLIP_DTYPE", "auto", validate=validate.OneOf(["auto", "float32", "bfloat16"]))
SIGLIP_THREADS = env.int("SIGLIP_THREADS", 0, validate=validate.Range(0, 1024))
SIGLIP_COMPILE = env.bool("SIGLIP_COMPILE", False)
# Google's Gemini: the key, another address than Google's (a proxy), and calls a minute to one model (the free tier's).
GEMINI_API_KEY = env.str("GEMINI_API_KEY", "")
# The business directory's own: Gemini where there is a key, since its texts are few and their meaning counts.
DIRECTORY_EMBEDDER = env.str(
    "DIRECTORY_EMBEDDER", "gemini" if GEMINI_API_KEY else "hashing", validate=validate.OneOf(["hashing", "gemini"])
)
# Who judges products beside the rules: Gemini where there is a key, else nobody.
QC_REVIEWER = env.str(
    "QC_REVIEWER", "gemini" if GEMINI_API_KEY else "rules", validate=validate.OneOf(["gemini", "rules"])
)
if "gemini" in (EMBEDDER, DIRECTORY_EMBEDDER, QC_REVIEWER):  # then it must be there
    GEMINI_API_KEY = env.str("GEMINI_API_KEY", validate=validate.Length(min=1))
GEMINI_BASE_URL = env.str(
    "GEMINI_BASE_URL", "https://generativelanguage.googleapis.com/", validate=validate.URL(require_tld=False)
)
GEMINI_EMBEDDING_MODEL = env.str("GEMINI_EMBEDDING_MODEL", "gemini-embedding-001")
# The model that judges and writes, and its prices. Source: ai.google.dev, "Gemini Developer API pricing", October 2026.
GEMINI_MODEL = env.str("GEMINI_MODEL", "gemini-3.5-flash-lite", validate=validate.Length(min=1))
GEMINI_PROMPT_USD_PER_M = env.float("GEMINI_PROMPT_USD_PER_M", 0.30, validate=validate.Range(min=0))
GEMINI_ANSWER_USD_PER_M = env.float("GEMINI_ANSWER_USD_PER_M", 2.50, validate=validate.Range(min=0))
# What may be spent on it in a day of Gemini's; what is in flight when that is reached is still paid for. 0: nothing.
GEMINI_DAY_BUDGET_USD = env.float("GEMINI_DAY_BUDGET_USD", 5.0, validate=validate.Range(min=0))
GEMINI_TIMEOUT_S = env.float("GEMINI_TIMEOUT_S", 20.0, validate=validate.Range(min=0.1))
GEMINI_REQUESTS_PER_MIN = env.int("GEMINI_REQUESTS_PER_MIN", 15, validate=validate.Range(min=1))
# Products for which a seller may ask for proposals in a day (UTC); staff may ask for any number.
GENERATIONS_PER_SELLER_DAY = env.int("GENERATIONS_PER_SELLER_DAY", 500, validate=validate.Range(min=1))
# What a web process loads in the background when it starts, so that nobody waits for it.
WEB_WARM_UPS = ["catalog.milvus.connect", "catalog.embedders.current.warm_up", "catalog.directory.nearest.load"]
INDEX_COLLECTION = env.str("INDEX_COLLECTION", "products")
# Rankings that a new index made stale are made anew by a thread of each process, as its counters are written.
SEARCH_BEHIND = True
# Searches by picture that a key, or an address without one, may make in a minute.
SEARCH_PICTURES_PER_MIN = env.int("SEARCH_PICTURES_PER_MIN", 20, validate=validate.Range(min=1))

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["marketplace.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["marketplace.throttling.TokenBucketThrottle"],
    "EXCEPTION_HANDLER": "marketplace.problems.problem_response",
    # Proxies whose X-Forwarded-For is believed; with none, nobody can pretend to be another address.
    "NUM_PROXIES": 1 if BEHIND_PROXY else 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = appearance.SPECTACULAR_SETTINGS
# Token bucket per API key and per address: (requests per minute, burst).
API_RATE_PER_KEY = env.int("API_RATE_PER_KEY", 600, validate=validate.Range(min=1))
API_RATE_PER_ADDRESS = env.int("API_RATE_PER_ADDRESS", 120, validate=validate.Range(min=1))

# --- admin ----------------------------------------------------------------------------------------
UNFOLD = appearance.UNFOLD
JOB_SUBJECT_PAGES: dict[str, str] = appearance.JOB_SUBJECT_PAGES

# --- logs -----------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
LOG_FORMAT = env.str("LOG_FORMAT", "text" if EMBEDDED else "json", validate=validate.OneOf(["text", "json"]))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "jobs.logs.JsonFormatter"},
        "text": {"()": "jobs.logs.TextFormatter"},
        "line": {"()": "jobs.logs.LineFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "journal": {"class": "jobs.journal.JournalHandler", "level": "INFO", "formatter": "line"},
    },
    "root": {"handlers": ["stderr", "journal"], "level": LOG_LEVEL},
    "loggers": {
        "rq.worker": {"level": "WARNING"},
        "pymilvus": {"level": "CRITICAL"},  # it logs a traceback for each call to a server that is away
        "asyncio": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},  # a line for each call to Gemini
    },
}
