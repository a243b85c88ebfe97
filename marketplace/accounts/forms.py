"""What people fill in to log in, and to get a login."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from marketplace.accounts.members import BadEmail, clean_email

EMAIL_WIDGET = forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"})


class CleanEmailField(forms.EmailField):
    """An e-mail address as accounts are named after it."""

    def clean(self, value: Any) -> str:
        """Return the address in small letters, or say what is wrong with it."""
        try:
            return clean_email(str(super().clean(value)))
        except BadEmail as error:
            raise forms.ValidationError(str(error)) from error


class LoginForm(AuthenticationForm):
    """An e-mail address and a password."""

    username = CleanEmailField(label="E-mail address", widget=EMAIL_WIDGET)
    error_messages = {
        "invalid_login": "This e-mail address and this password do not belong together. Check both; passwords tell "
        "capitals from small letters.",
        "inactive": "This login has been closed. Write to us.",
    }


class EmailForm(forms.Form):
    """Where a mail is to go."""

    email = CleanEmailField(label="E-mail address", widget=EMAIL_WIDGET)
