from django.db import migrations


class Migration(migrations.Migration):
    """Nobody reads it: what a photo is was found out when it came whole, and shows in nothing."""

    dependencies = [("catalog", "0012_photos")]

    operations = [migrations.RemoveField(model_name="photo", name="media_type")]
