from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_stored_vectors")]

    operations = [
        migrations.RunSQL(
            sql="CREATE SEQUENCE catalog_index_version",
            reverse_sql="DROP SEQUENCE catalog_index_version",
        )
    ]
