"""Declaring tasks."""

import logging

import pytest

from jobs.batch import Batch
from jobs.checks import check_queues
from jobs.logs import JsonFormatter, TextFormatter
from jobs.registry import Task, all_tasks, get_task, task
from jobs.worker import warm_up


def _nothing(batch: Batch) -> None:
    pass


def test_a_task_is_named_after_its_handler_and_has_defaults(settings) -> None:  # type: ignore[no-untyped-def]
    declared = get_task("act-each")
    assert (declared.name, declared.queue, declared.batch_size, declared.attempts) == ("act-each", "workload", 8, 3)
    assert declared.timeout_s == settings.JOB_TIMEOUT_S


def test_two_modules_may_not_declare_one_name() -> None:
    def act(batch: Batch) -> None: ...

    with pytest.raises(ValueError, match=r"declared twice: tests\.workload\.tasks"):
        task(queue="workload")(act)


def test_every_task_has_workers() -> None:
    assert check_queues() == []


def test_a_task_on_an_unknown_queue_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Task("lost", _nothing, "nowhere")
    monkeypatch.setattr("jobs.checks.all_tasks", lambda: [*all_tasks(), lost])
    (message,) = check_queues()
    assert "nowhere" in message.msg


def test_a_warm_up_that_fails_is_told_and_does_not_stop_the_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[str] = []

    def broken() -> None:
        calls.append("broken")
        raise OSError("no such model")

    def good() -> None:
        calls.append("good")

    tasks = [Task(name, _nothing, "q", warm_up=step) for name, step in (("a", broken), ("b", good))]
    monkeypatch.setattr("jobs.worker.tasks_of_queue", lambda _: [*tasks, *tasks])
    warm_up(["q"])
    assert calls == ["broken", "good"]
    assert "no such model" in caplog.text


def test_log_lines_carry_their_extra_fields_and_tracebacks() -> None:
    error = ValueError("why")
    record = logging.LogRecord("jobs.x", logging.ERROR, __file__, 1, "it %s", ("broke",), (ValueError, error, None))
    record.job = 7
    assert '"message": "it broke"' in JsonFormatter().format(record)
    assert '"job": 7' in JsonFormatter().format(record)
    text = TextFormatter().format(record)
    assert "ERROR jobs.x: it broke job=7" in text
    assert "ValueError: why" in text
