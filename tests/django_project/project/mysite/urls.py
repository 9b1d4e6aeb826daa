"""The routes."""

from __future__ import annotations

from django.urls import include
from django.urls import path
from home import views
from home.accounts import on_login

from .oauth import oauth

urlpatterns = [
    path("", views.index, name="index"),
    path("files", views.files, name="files"),
    path("photos", views.photos, name="photos"),
    path("photos/connect", views.connect_photos, name="connect-photos"),
    path("photos/callback", views.photos_callback, name="photos-callback"),
    path("auth/", include(oauth.urls(on_login=on_login, providers=["op", "posting"]))),
]
