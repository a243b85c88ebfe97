"""Sellers who registered before there was a directory stand in it; their vectors follow, by the schedule."""

import unicodedata

from django.contrib.postgres.search import SearchVector
from django.db import migrations
from django.db.models import Value

WEIGHTS = {'name': 'A', 'category': 'B', 'address': 'C', 'description': 'D'}
ROWS_A_STEP = 1_000


def folded(text):
    decomposed = unicodedata.normalize('NFKD', text.casefold())
    return ' '.join(''.join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


def write_entries(apps, schema_editor):
    Seller = apps.get_model('marketplace', 'Seller')
    DirectoryEntry = apps.get_model('marketplace', 'DirectoryEntry')
    entries = []
    for seller in Seller.objects.filter(directory_entry=None).order_by('pk').iterator(ROWS_A_STEP):
        facts = {name: getattr(seller, name) for name in ('name', 'category', 'description', 'address', 'phone')}
        words = [
            SearchVector(Value(folded(facts[name])), weight=weight, config='english')
            for name, weight in WEIGHTS.items()
        ]
        entries.append(DirectoryEntry(seller=seller, words=words[0] + words[1] + words[2] + words[3], **facts))
    DirectoryEntry.objects.bulk_create(entries, batch_size=ROWS_A_STEP)


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0004_directory'),
    ]

    operations = [
        migrations.RunPython(write_entries, migrations.RunPython.noop),
    ]
