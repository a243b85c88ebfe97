"""What the catalog keeps for itself beside the marketplace's products."""

from django.db import models


class StoredVector(models.Model):
    """The vector of one input under one embedder, kept so that equal input and a reindex cost nothing."""

    fingerprint = models.CharField(max_length=64)
    input_hash = models.CharField(max_length=64)
    vector = models.BinaryField(help_text="768 little-endian float32 of L2 norm 1.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fingerprint", "input_hash"], name="vector_once_an_input")]

    def __str__(self) -> str:
        return f"{self.fingerprint} {self.input_hash[:12]}"
