"""Quality control in the admin; each subject has a module of its own."""

from qc.pages.appeal_answers import AppealAdmin
from qc.pages.verdicts import VerdictAdmin

__all__ = ["AppealAdmin", "VerdictAdmin"]
