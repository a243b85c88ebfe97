import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    """A seller's pictures that look alike are found by slices of their hashes.

    Apart from the column that it fills: readers are not kept waiting while it does.
    """

    dependencies = [("marketplace", "0017_whose_pictures")]

    operations = [
        migrations.RunSQL("UPDATE marketplace_picture SET seller_id = NULL", migrations.RunSQL.noop),
        *(
            migrations.AddIndex(
                model_name="picture",
                index=models.Index(
                    "seller_id",
                    django.db.models.functions.text.Substr("perceptual_hash", first, digits),
                    "product",
                    condition=models.Q(("position", 0), models.Q(("perceptual_hash", ""), _negated=True)),
                    name=f"picture_hash_from_{first}",
                ),
            )
            for first, digits in ((1, 3), (4, 3), (7, 3), (10, 3), (13, 4))
        ),
    ]
