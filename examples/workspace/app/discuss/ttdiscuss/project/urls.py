import views
from django.urls import path

urlpatterns = [
    path("discuss/hot", views.hot),
    path("discuss/articles/<int:article_id>/comments", views.comments),
]
