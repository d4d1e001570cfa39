"""Reads a Croissant card back with mlcroissant: is everything that was written still there?"""

import json
import sys

import mlcroissant

path = sys.argv[1]
with open(path) as file:
    written = json.load(file)
dataset = mlcroissant.Dataset(jsonld=path)
metadata = dataset.metadata
assert metadata.name == written["name"], metadata.name
for before, after in zip(written["distribution"], metadata.distribution, strict=True):
    archive = [before["containedIn"]["@id"]] if "containedIn" in before else []
    assert (after.id, after.sha256, after.contained_in) == (before["@id"], before["sha256"], archive), (before, after)
counts = []
for before in written["recordSet"]:
    records = list(dataset.records(before["@id"]))
    assert records == [dict(sorted(row.items())) for row in before["data"]] or records == before["data"], before["@id"]
    counts.append(f"{len(records)} {before['name']}")
print(f"{metadata.name}: {len(metadata.distribution)} files, {', '.join(counts)} read back")
