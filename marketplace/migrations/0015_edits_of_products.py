from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0014_cost_of_gemini'),
    ]

    operations = [
        migrations.AddField(
            model_name='product',
            name='edits',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text="The seller's own texts, by field; they lie over what the catalog says."),
        ),
        migrations.AddField(
            model_name='product',
            name='unedited',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='What the catalog says of the fields that are edited.'),
        ),
    ]
