"""Reads the demonstration lake through the REST catalog with PyIceberg and prints what it saw as JSON."""

import json
import sys

from pyiceberg.catalog import load_catalog

catalog = load_catalog("floecat", type="rest", uri=sys.argv[1], warehouse="default")


def walk(parent):
    for namespace in catalog.list_namespaces(parent):
        yield namespace
        yield from walk(namespace)


tables = {}
for namespace in walk(()):
    for identifier in catalog.list_tables(namespace):
        table = catalog.load_table(identifier)
        tables[".".join(identifier)] = {
            "rows": [
                table.scan(snapshot_id=snapshot.snapshot_id).to_arrow().num_rows
                for snapshot in table.metadata.snapshots
            ],
            "snapshots": [str(snapshot.snapshot_id) for snapshot in table.metadata.snapshots],
        }
print(json.dumps({"tables": tables, "missing": catalog.table_exists("no.such_table")}))
