# ruff: noqa: I001 - whether views is ours depends on where ruff is started
import views
from django.urls import path

urlpatterns = [
    path("discuss/hot", views.hot),
    path("discuss/articles/<int:article_id>/comments", views.comments),
]
