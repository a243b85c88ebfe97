"""Whether every product ended as the sample catalog's truth file says."""

from collections.abc import Mapping, Sequence
from typing import Any


def differences(truth: Mapping[str, Any], products: Sequence[Mapping[str, Any]]) -> list[str]:
    """List each product that did not end as it must, one line each."""
    found = {product["external_id"]: product for product in products}
    expected = {name: (entry["ends"], entry["code"]) for name, entry in truth["products"].items()}
    expected |= dict.fromkeys(truth["gone"], ("gone", None))
    lines = [f"{name}: in no truth file, {found[name]['status']}" for name in sorted(found.keys() - expected.keys())]
    for name, (status, code) in expected.items():
        if name not in found:
            lines.append(f"{name}: should be {status}, is not there")
            continue
        codes = [reason["code"] for reason in found[name]["reasons"]]
        if found[name]["status"] != status or (code is not None and code not in codes):
            wanted = f"{status} {code or ''}".strip()
            lines.append(f"{name}: should be {wanted}, is {found[name]['status']} {' '.join(codes)}".rstrip())
    return lines
