from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0013_rechecks_of_products'),
    ]

    operations = [
        migrations.AddField(
            model_name='geminiminute',
            name='answer_tokens',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Those of `tokens` it wrote.'),
        ),
        migrations.AddField(
            model_name='geminiminute',
            name='cost_micro_usd',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Millionths of a dollar, at the prices that were set.', verbose_name='cost, µ$'),
        ),
    ]
