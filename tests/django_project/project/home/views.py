"""The pages."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http import HttpResponse
from django.shortcuts import redirect
from django.shortcuts import render
from django.urls import reverse
from mysite.oauth import oauth

from flask_oauthclient.django_client import OAuthError


@login_not_required
def index(request: HttpRequest) -> HttpResponse:
    """The front page."""
    return render(request, "home/index.html")


def files(request: HttpRequest) -> HttpResponse:
    """A page that calls an API with the stored token."""
    answer = oauth.op.get(settings.FILES_URL, request=request)
    if not answer.ok:
        return render(request, "home/failed.html", {"reason": answer.status_code}, status=502)
    return render(request, "home/files.html", {"about": answer.json()})


def photos(request: HttpRequest) -> HttpResponse:
    """The same for an API with OAuth 1.0a, once it is connected."""
    client = oauth.photos.at(request)
    about = client.get("echo", params={"q": "grüße"}).json() if client.authorized else None
    return render(request, "home/photos.html", {"about": about})


def connect_photos(request: HttpRequest) -> HttpResponse:
    """Let the photo service ask the user."""
    callback = reverse("photos-callback")
    response: HttpResponse = oauth.photos.authorize_redirect(
        request, callback, extra={"from": "us"}
    )
    return response


def photos_callback(request: HttpRequest) -> HttpResponse:
    """Keep what the photo service has granted."""
    client = oauth.photos.at(request)
    try:
        client.save_token(client.authorize_access_token())
    except OAuthError as error:
        context = {"reason": error.error, "description": error.description}
        return render(request, "home/failed.html", context, status=error.http_status)
    return redirect("photos")
