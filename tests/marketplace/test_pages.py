"""The front page, and pictures where no other server serves them."""

from pathlib import Path
from typing import Any

from django.test import Client
from django.urls import reverse

from marketplace import urls


def test_the_front_page_leads_everywhere(db: None) -> None:
    page = Client().get("/")
    assert page.status_code == 200
    content = page.content.decode()
    for address in (reverse("api:docs"), reverse("admin:index"), reverse("rq-dashboard"), 'action="/search/"'):
        assert address in content
    assert 'name="viewport"' in content


def test_pictures_are_served_and_nothing_beside_them(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "secret").write_text("key")
    media = tmp_path / "media"
    media.mkdir()
    (media / "1.webp").write_bytes(b"picture")
    pattern = next(found for found in urls.urlpatterns if str(found.pattern).startswith("^media"))
    pattern.default_args["document_root"] = media
    try:
        answer = Client().get("/media/1.webp")
        assert b"".join(answer.streaming_content) == b"picture"
        assert answer["Content-Type"] == "image/webp"
        for path in ("../secret", "%2e%2e/secret", "/etc/passwd", "none.webp"):
            assert Client().get(f"/media/{path}").status_code in (400, 404)
    finally:
        pattern.default_args["document_root"] = settings.MEDIA_ROOT
