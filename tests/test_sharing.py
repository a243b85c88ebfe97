"""How several processes share the tests."""

from tests.conftest import group_of


def test_the_tests_of_a_file_go_together_and_all_that_write_to_milvus() -> None:
    assert group_of("tests/jobs/test_gates.py::test_a[x::y]") == group_of("tests/jobs/test_gates.py::test_b")
    assert group_of("tests/jobs/test_admin.py::test_a") != group_of("tests/catalog/test_admin.py::test_a")
    assert group_of("tests/catalog/test_indexing.py::test_a") == group_of("tests/test_run_twice.py::test_b") == "milvus"
