"""simplejwt's own views; registering and changing a password, which it leaves to the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.http import JsonResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.views import (
    TokenBlacklistView,
    TokenObtainPairView,
    TokenRefreshView,
)

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from rest_framework.request import Request


class Registration(serializers.Serializer):  # type: ignore[misc]
    username = serializers.CharField(max_length=150)
    password = serializers.CharField()


class PasswordChange(serializers.Serializer):  # type: ignore[misc]
    old_password = serializers.CharField()
    new_password = serializers.CharField()


class Register(APIView):  # type: ignore[misc]
    authentication_classes = ()

    def post(self, request: Request) -> Response:
        given = Registration(data=request.data)
        given.is_valid(raise_exception=True)
        user = User.objects.create_user(**given.validated_data)
        return Response({"id": user.pk}, status=201)


class ChangePassword(APIView):  # type: ignore[misc]
    """As Django's own, which keeps the session that changed it: that one gets new tokens."""

    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        given = PasswordChange(data=request.data)
        given.is_valid(raise_exception=True)
        if not request.user.check_password(given.validated_data["old_password"]):
            raise serializers.ValidationError({"old_password": ["It is another one."]})
        request.user.set_password(given.validated_data["new_password"])
        request.user.save()
        token = RefreshToken.for_user(request.user)
        return Response({"refresh": str(token), "access": str(token.access_token)})


class Protected(APIView):  # type: ignore[misc]
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"user_id": request.user.pk})


def hello(_: HttpRequest) -> HttpResponse:
    return JsonResponse({"hello": "world"})


urlpatterns = [
    path("hello", hello),
    path("register", Register.as_view()),
    path("protected", Protected.as_view()),
    path("password", ChangePassword.as_view()),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/token/blacklist/", TokenBlacklistView.as_view()),
]
