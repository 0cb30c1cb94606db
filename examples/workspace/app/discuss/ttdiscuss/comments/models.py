from django.db import models


class Comment(models.Model):
    article_id = models.BigIntegerField(db_index=True)
    device_id = models.BigIntegerField()
    written_on = models.CharField(max_length=100)
    text = models.CharField(max_length=1000)
    posted = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-posted",)

    def __str__(self) -> str:
        return f"{self.article_id}: {self.text[:40]}"
