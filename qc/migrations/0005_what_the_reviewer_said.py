from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('qc', '0004_appeals'),
    ]

    operations = [
        migrations.AddField(
            model_name='verdict',
            name='review',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict, help_text='What the model said, or why it said nothing.'),
        ),
    ]
