"""What may happen to a mail."""

from jobs.errors import PermanentError, RetryableError


class MailServerUnavailable(RetryableError):
    """The mail server cannot be reached, or takes nothing now."""

    code = "mail.server_unavailable"


class RecipientRefused(PermanentError):
    """The mail server knows no such recipient."""

    code = "mail.recipient_refused"


class MailRefused(PermanentError):
    """The mail server refuses the mail for good."""

    code = "mail.refused"
