"""`manage.py add_member`: give somebody a login to a seller's pages, without a mail."""

import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.accounts.members import BadEmail, add_member
from marketplace.models import Seller


class Command(BaseCommand):
    """Add a member to a seller."""

    help = (
        "Let an e-mail address act for a seller on the pages under /seller/. For who runs Souk where no mail is sent; "
        "otherwise mail a login from the seller's page in the admin."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what may be asked for."""
        parser.add_argument("--seller", required=True, help="id or name")
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--password-file", default="-", help="holds the password in its first line (default: standard input)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Add it; a second time changes nothing."""
        path = options["password_file"]
        text = sys.stdin.readline() if path == "-" else Path(path).read_text()
        named = options["seller"]
        found = Seller.objects.filter(pk=int(named)) if named.isdecimal() else Seller.objects.filter(name=named)
        if found.count() != 1:
            raise CommandError(f"{found.count()} sellers are called {named!r}: give an id that there is")
        try:
            add_member(found.get(), email=options["email"], password=text.partition("\n")[0], actor="add_member")
        except (BadEmail, ValidationError) as error:
            raise CommandError("; ".join(getattr(error, "messages", [str(error)]))) from error
        self.stdout.write(f"{options['email']} may act for {found.get()}.")
