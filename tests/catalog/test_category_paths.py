"""What a category may be called."""

from catalog.category_paths import category_form, last_name, names_of, paths_to


def test_a_path_has_the_paths_above_it_and_the_names_in_it() -> None:
    assert paths_to("Home > Lamps > Desk") == ["Home", "Home > Lamps", "Home > Lamps > Desk"]
    assert names_of("Home > Lamps") == ["Home", "Home > Lamps", "Home", "Lamps"]
    assert last_name("Home > Lamps") == "Lamps"
    assert (paths_to("Lamps"), last_name("Lamps")) == (["Lamps"], "Lamps")


def test_names_are_compared_without_case_and_with_single_spaces() -> None:
    assert category_form("  HOME  > Straße ") == "home > strasse"
