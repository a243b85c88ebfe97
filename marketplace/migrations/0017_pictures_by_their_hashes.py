import django.db.models.functions.text
from django.db import migrations, models

TRIGGER = """
CREATE FUNCTION marketplace_picture_seller() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT seller_id INTO NEW.seller_id FROM marketplace_product WHERE id = NEW.product_id;
    RETURN NEW;
END $$;
CREATE TRIGGER marketplace_picture_seller BEFORE INSERT OR UPDATE OF product_id, seller_id ON marketplace_picture
FOR EACH ROW EXECUTE FUNCTION marketplace_picture_seller();
"""
NO_TRIGGER = """
DROP TRIGGER marketplace_picture_seller ON marketplace_picture;
DROP FUNCTION marketplace_picture_seller();
"""


class Migration(migrations.Migration):
    """A seller's pictures that look alike are found by slices of their hashes."""

    dependencies = [("marketplace", "0016_products_of_photos")]

    operations = [
        migrations.AddField(
            model_name="picture",
            name="seller_id",
            field=models.BigIntegerField(
                editable=False, help_text="The product's; a trigger writes it.", null=True
            ),
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
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
