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
    """A picture says whose it is, so that a seller's pictures can be found by what they look like."""

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
    ]
