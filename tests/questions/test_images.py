from __future__ import annotations

import io

import PIL.Image
import pytest
from django.test import Client

from questions import images, rendering, shape
from questions.images import ImageError
from questions.models import Image
from tests.factories import NOW, make_content, make_user


def picture(format: str = "PNG", size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", size, "teal").save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_pictures_are_encoded_anew(format: str) -> None:
    encoded, media_type, size = images.encode(picture(format))
    assert size == (40, 30)
    assert PIL.Image.open(io.BytesIO(encoded)).format == ("JPEG" if format == "JPEG" else "PNG")
    assert media_type in ("image/png", "image/jpeg")


def test_nothing_but_pixels_is_kept() -> None:
    exif = PIL.Image.Exif()
    exif[0x010E] = "taken at 52.52, 13.40"
    data = picture("JPEG", exif=exif)
    assert b"52.52" in data
    encoded, _, _ = images.encode(data)
    assert b"52.52" not in encoded
    assert images.encode(picture("PNG") + b"<script>alert(1)</script>")[0].find(b"script") == -1


def test_large_pictures_are_made_smaller() -> None:
    _, _, size = images.encode(picture(size=(3200, 1000)))
    assert size == (1600, 500)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<svg xmlns='x' onload='alert(1)'/>", "svg"),
        (b"<?xml version='1.0'?><!-- x --><svg >", "svg"),
        (b"GIF89a" + b"\0" * 40, "unsupported"),
        (b"hello", "not_an_image"),
        (picture()[:60], "broken"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "not_an_image"),
        (picture() + b"\0" * images.MAX_BYTES, "too_large"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(ImageError) as error:
        images.encode(data)
    assert error.value.code == code


def test_a_small_file_with_many_pixels_is_refused() -> None:
    data = picture(size=(6000, 5000))
    assert len(data) < images.MAX_BYTES
    with pytest.raises(ImageError, match="too_many_pixels"):
        images.encode(data)


@pytest.mark.django_db
def test_the_same_picture_is_kept_once_and_served_to_who_is_signed_in(client: Client) -> None:
    image = images.store(picture(), by=None, now=NOW)
    assert images.store(picture(), by=None, now=NOW) == image
    assert Image.objects.count() == 1
    address = f"/bank/images/{image.name}"
    assert client.get(address).status_code == 302
    client.force_login(make_user("Ana"))
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/png"
    assert "immutable" in response["Cache-Control"]
    assert client.get(address.replace(image.name[:4], "zzzz")).status_code == 404


def test_only_our_own_pictures_are_shown() -> None:
    name = "0123456789abcdef0123456789abcdef-640x480.png"
    html = rendering.render(f"![a “chart” <b>](image:{name})")
    assert f'src="/bank/images/{name}"' in html
    assert 'width="640"' in html and "<b>" not in html
    for target in ("https://example.com/x.png", "image:../x.png", "//evil/x.png", "javascript:alert(1)"):
        assert "<img" not in rendering.render(f"![a chart]({target})")


def test_a_picture_needs_words() -> None:
    stem = "Which? ![](image:0123456789abcdef0123456789abcdef-640x480.png)"
    assert "image_without_alt" in {finding.code for finding in shape.faults(make_content(stem=stem))}
