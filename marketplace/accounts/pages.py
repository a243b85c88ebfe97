"""Pages that lead to a login, and out of it."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from marketplace.accounts.asking import ask_for_login, ask_for_password
from marketplace.accounts.forms import EmailForm, LoginForm
from marketplace.accounts.login_throttle import wait_before_login, wait_before_mail
from marketplace.accounts.members import (
    NO_MAIL,
    AccountExists,
    account_of,
    join,
    join_as_new,
    new_account,
    open_invitation,
)
from marketplace.accounts.models import Invitation
from marketplace.accounts.seller_pages import CHOSEN, SellerRequest, seller_page
from marketplace.public_pages import public_page

ON_ITS_WAY = "If we know this address, a mail is on its way to it. The link in it holds for some time only."


class SellerLoginView(LoginView):
    """Log in with an e-mail address and a password."""

    authentication_form = LoginForm
    template_name = "seller/login.html"
    redirect_authenticated_user = True
    next_page = "seller-home"

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        """Return where the login was asked from; never the login itself, which would lead there again."""
        address = super().get_redirect_url(*args, **kwargs)
        return "" if address.partition("?")[0] == self.request.path else address

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Try the password, if it may be tried."""
        wait_s = wait_before_login(request, email=request.POST.get("username", ""))
        if not wait_s:
            return super().post(request, *args, **kwargs)
        form = LoginForm(request, initial={"username": request.POST.get("username", "")})  # not bound: nothing is tried
        return too_many(self.render_to_response(self.get_context_data(form=form, wait_s=wait_s)), wait_s)


class SellerLogoutView(LogoutView):
    """Log out, on a POST."""

    next_page = "seller-login"


class SellerResetConfirmView(PasswordResetConfirmView):
    """Set a new password by the mailed link."""

    template_name = "seller/reset_confirm.html"
    success_url = reverse_lazy("seller-login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Set it."""
        messages.success(self.request, "The new password is set. Log in with it.")
        return super().form_valid(form)


def too_many(response: Any, wait_s: int) -> HttpResponse:
    """Say of a page that it was asked for too often."""
    answer: HttpResponse = response
    answer.status_code = 429
    answer["Retry-After"] = str(wait_s)
    return answer


@public_page
@never_cache
@require_http_methods(["GET", "POST"])
def ask_page(request: HttpRequest) -> HttpResponse:
    """Mail the address that a seller is registered with a link to its first login."""
    return _mail_page(request, ask_for_login, template="seller/ask.html")


@public_page
@never_cache
@require_http_methods(["GET", "POST"])
def reset_page(request: HttpRequest) -> HttpResponse:
    """Mail a member a link by which a new password can be set."""
    return _mail_page(request, ask_for_password, template="seller/reset.html")


def _mail_page(request: HttpRequest, ask: Callable[[str], None], *, template: str) -> HttpResponse:
    """Have a mail sent, if one may be asked for; the answer is the same whether the address is known."""
    form = EmailForm(request.POST or None)
    if not form.is_valid():
        return render(request, template, {"form": form})
    if not settings.SENDS_MAIL:
        form.add_error(None, NO_MAIL)
        return render(request, template, {"form": form}, status=503)
    email = form.cleaned_data["email"]
    wait_s = wait_before_mail(request, email=email)
    if wait_s:
        return too_many(render(request, template, {"form": form, "wait_s": wait_s}), wait_s)
    ask(email)
    messages.info(request, ON_ITS_WAY)
    return redirect("seller-login")


@public_page
@never_cache
@require_http_methods(["GET", "POST"])
def join_page(request: HttpRequest, token: str) -> HttpResponse:
    """Let the person to whom the link was mailed set a password, or join with the login that they have."""
    invitation = open_invitation(token)
    if invitation is None:
        return render(request, "seller/join_over.html", status=404)
    user = request.user
    if user.is_authenticated:
        return _join_as(request, invitation, user)
    if account_of(invitation.email) is not None:
        messages.info(request, f"Log in as {invitation.email} to act for {invitation.seller.name}.")
        return redirect(f"{reverse('seller-login')}?next={request.path}")
    account = new_account(invitation)
    form: SetPasswordForm[User] = SetPasswordForm(account, request.POST or None)
    if not form.is_valid():
        return render(request, "seller/join.html", {"form": form, "invitation": invitation})
    account.set_password(form.cleaned_data["new_password1"])
    try:
        member = join_as_new(invitation, user=account)
    except AccountExists:
        return redirect(request.path)
    login(request, account)
    return _welcome(request, member.seller_id)


def _join_as(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    is_theirs = user.get_username() == invitation.email
    if request.method != "POST" or not is_theirs:
        context = {"invitation": invitation, "is_theirs": is_theirs}
        return render(request, "seller/join_as.html", context, status=200 if is_theirs else 403)
    return _welcome(request, join(invitation, user=user).seller_id)


def _welcome(request: HttpRequest, seller_id: int) -> HttpResponse:
    request.session[CHOSEN] = seller_id
    return redirect("seller-home")


@require_POST
@seller_page
def switch_page(request: SellerRequest) -> HttpResponse:
    """Act for another of one's sellers."""
    wanted = request.POST.get("seller", "")
    for membership in request.seller_memberships:
        if str(membership.seller_id) == wanted:
            request.session[CHOSEN] = membership.seller_id
    return redirect("seller-home")


def closed(view: Any) -> Any:
    """Return a view of Django's as a public page that nobody keeps."""

    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs)  # type: ignore[no-any-return]

    return public_page(never_cache(page))  # type: ignore[arg-type]


login_page = closed(SellerLoginView.as_view())
logout_page = closed(SellerLogoutView.as_view())
reset_confirm_page = closed(SellerResetConfirmView.as_view())
