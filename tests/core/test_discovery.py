"""Entry points are found as `importlib.metadata` finds them, only sooner."""

from __future__ import annotations

import importlib.metadata
import sys
import zipfile

import pytest

from imp_core.discovery import entries


@pytest.mark.parametrize("group", ["imp.plugins", "console_scripts", "pytest11", "nobodys"])
def test_the_same_as_the_standard_library_finds(group):
    found = {(entry.name, entry.value, entry.distribution, entry.version) for entry in entries(group)}
    expected = {
        (entry.name, entry.value, entry.dist.name, entry.dist.version)
        for entry in importlib.metadata.entry_points(group=group)
    }
    assert found == expected


def test_of_two_distributions_of_one_name_the_first_on_the_path_counts(tmp_path, monkeypatch):
    for place, version in (("one", "2.0"), ("two", "1.0")):
        info = tmp_path / place / f"Acme_Plugin-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-plugin\nVersion: {version}\n\nVersion: 9\n")
        (info / "entry_points.txt").write_text("[other]\nx = y\n[imp.plugins]\n# no\nacme = acme.plugin\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "nowhere")])
    (entry,) = entries("imp.plugins")
    assert (entry.name, entry.value, entry.distribution, entry.version) == (
        "acme", "acme.plugin", "acme-plugin", "2.0",
    )  # fmt: skip


def test_in_a_zip_file_too(tmp_path, monkeypatch):
    path = tmp_path / "plugins.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("acme-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        file.writestr("acme-1.0.dist-info/entry_points.txt", "[imp.plugins]\nacme = acme.plugin\n")
    monkeypatch.setattr(sys, "path", [str(path)])
    (entry,) = entries("imp.plugins")
    assert (entry.name, entry.distribution, entry.version) == ("acme", "acme", "1.0")


@pytest.mark.parametrize("metadata", [None, b"", b"\xff\xfe", b"Name: x\n", b"no header\nName: x\nVersion: 1\n"])
def test_metadata_that_cannot_be_read_leaves_the_entry_without_a_distribution(tmp_path, monkeypatch, metadata):
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[imp.plugins]\nacme = acme.plugin\n")
    if metadata is not None:
        (info / "METADATA").write_bytes(metadata)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    (entry,) = entries("imp.plugins")
    assert None in (entry.distribution, entry.version)
