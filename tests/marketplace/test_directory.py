"""The core of the directory: words that are kept, jobs that are asked for, and two who ask at once."""

import threading

import pytest
from django.db import close_old_connections, connection

from jobs.models import Job
from marketplace import directory
from marketplace.directory import Occasion, create_entry, follow_seller, request_embeddings, update_entry
from marketplace.models import DirectoryEntry
from tests.marketplace.factories import make_seller

AGAIN = Occasion("bulk", by="ada", source="admin")


def words_of(pk: int) -> str:
    return str(DirectoryEntry.objects.values_list("words", flat=True).get(pk=pk))


@pytest.mark.django_db
def test_words_are_kept_without_accents_and_follow_the_text() -> None:
    entry, _ = create_entry(by="ada", name="CAFÉ Olé", category="Bars", address="Quai 3", description="The coffees.")
    assert words_of(entry.pk) == "'3':5C 'bar':3B 'cafe':1A 'coffe':7 'ole':2A 'quai':4C"
    update_entry(entry.pk, by="ada", name="Lamps")
    assert words_of(entry.pk) == "'3':4C 'bar':2B 'coffe':6 'lamp':1A 'quai':3C"


@pytest.mark.django_db
def test_a_text_of_any_length_is_kept_and_searched_as_far_as_it_can_be() -> None:
    entry, _ = create_entry(by="ada", name="Long", description=" ".join(f"w{n}" for n in range(200_000)))
    assert "'w9':" in words_of(entry.pk)


@pytest.mark.django_db
def test_the_same_again_changes_nothing() -> None:
    entry, created = create_entry(by="ada", name="Lamps", category="Light")
    assert update_entry(entry.pk, by="ada", name="Lamps", category="Light")[1] == directory.NOT_NEEDED
    assert update_entry(entry.pk, by="ada", website="https://lamps.example/")[1] == directory.NOT_NEEDED
    _, there = update_entry(entry.pk, by="ada", name="Lamp")
    _, back = update_entry(entry.pk, by="ada", name="Lamps")
    assert [created.status, there.status, back.status] == ["queued"] * 3
    assert DirectoryEntry.objects.get().text_version == 3
    assert list(Job.objects.order_by("pk").values_list("priority", flat=True)) == [1, 2, 2]


@pytest.mark.django_db
def test_a_sellers_change_leaves_what_staff_wrote_of_other_fields() -> None:
    seller = make_seller(name="Lamps", category="Light")
    follow_seller(seller)
    entry = DirectoryEntry.objects.get()
    update_entry(entry.pk, by="ada", category="Lighting", website="https://lamps.example/")
    seller.phone = "+254"
    follow_seller(seller, {"phone", "plan"})
    entry.refresh_from_db()
    assert (entry.category, entry.website, entry.phone) == ("Lighting", "https://lamps.example/", "+254")


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_at_once_get_one_job_a_business() -> None:
    ids = [create_entry(by="ada", name=f"b{number}")[0].pk for number in range(20)]
    DirectoryEntry.objects.update(embedding_job_id=1, embedding_status="done")
    Job.objects.all().delete()
    answers: list[int] = []

    def ask(order: list[int]) -> None:
        try:
            answers.append(request_embeddings(order, occasion=AGAIN).queued)
        finally:
            close_old_connections()
            connection.close()

    askers = [threading.Thread(target=ask, args=(ids if number % 2 else ids[::-1],)) for number in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert (len(answers), sum(answers), Job.objects.count()) == (6, 20, 20)
