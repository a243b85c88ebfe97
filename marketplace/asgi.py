"""The application that web servers load."""

import logging
import os
import threading

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
application = get_asgi_application()

from django.conf import settings  # noqa: E402 after the set-up
from django.utils.module_loading import import_string  # noqa: E402


def _warm_up() -> None:
    for path in settings.WEB_WARM_UPS:
        try:
            import_string(path)()
        except Exception:
            logging.getLogger(__name__).exception("a warm-up failed", extra={"step": path})


threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
