"""What may come of a request to a webhook's endpoint."""

from jobs.errors import PermanentError, RateLimitedError, RetryableError


class EndpointGone(PermanentError):
    """The endpoint answers 410: it is gone for good."""

    code = "webhooks.gone"


class EndpointRefused(PermanentError):
    """The endpoint's address is not one of the public web, or not https."""

    code = "webhooks.address_refused"


class EndpointBusy(RateLimitedError):
    """The endpoint asks us to wait."""

    code = "webhooks.busy"


class EndpointRedirects(RetryableError):
    """The endpoint redirects; webhooks are not sent elsewhere than where the seller said."""

    code = "webhooks.redirects"


class EndpointFailing(RetryableError):
    """The endpoint answers with an error."""

    code = "webhooks.failing"


class EndpointTimeout(RetryableError):
    """The endpoint did not answer in time."""

    code = "webhooks.timeout"


class EndpointUnreachable(RetryableError):
    """The endpoint cannot be reached."""

    code = "webhooks.unreachable"
