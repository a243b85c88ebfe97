"""What Django knows of the app jobs."""

from importlib import import_module, util
from pkgutil import iter_modules

from django.apps import AppConfig, apps
from django.core.checks import register


class JobsConfig(AppConfig):
    """The job engine."""

    name = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Import each app's `tasks` module, or each module of its `tasks` package."""
        # They need the models, which are ready only now.
        from jobs.checks import check_encryption_keys, check_queues  # noqa: PLC0415
        from jobs.inline import run_inline  # noqa: PLC0415
        from jobs.ledger import set_inline_runner  # noqa: PLC0415

        set_inline_runner(run_inline)

        register(check_queues)
        register(check_encryption_keys)
        for config in apps.get_app_configs():
            name = f"{config.name}.tasks"
            if util.find_spec(config.name) is None or util.find_spec(name) is None:
                continue
            module = import_module(name)
            for child in iter_modules(getattr(module, "__path__", [])):
                import_module(f"{name}.{child.name}")
