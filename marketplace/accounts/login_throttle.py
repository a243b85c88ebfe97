"""How often a login may be tried, and a mail be asked for: by address of the network, and by account."""

import hashlib

from django.http import HttpRequest

from marketplace.throttling import TokenBucketThrottle, take_token

TRIES_PER_MIN = 10  # of one network address, and on one account
MAILS_PER_MIN = 3


def wait_before_login(request: HttpRequest, *, email: str) -> int:
    """Count a try to log in; return the seconds to wait where it is one too many, else 0."""
    return _wait(request, "login", email=email, per_minute=TRIES_PER_MIN)


def wait_before_mail(request: HttpRequest, *, email: str) -> int:
    """Count a mail that is asked for; return the seconds to wait where it is one too many, else 0."""
    return _wait(request, "login-mail", email=email, per_minute=MAILS_PER_MIN)


def _wait(request: HttpRequest, policy: str, *, email: str, per_minute: int) -> int:
    address = TokenBucketThrottle().get_ident(request)  # type: ignore[arg-type]
    account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
    for subject in (f"from:{address}", f"to:{account}"):
        taken = take_token(policy=policy, subject=subject, per_minute=per_minute)
        if taken is not None and not taken.is_allowed:
            return taken.retry_after_s
    return 0
