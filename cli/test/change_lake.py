"""Renames, moves and drops what is in the demonstration lake with PyIceberg and prints what came of it as JSON."""

import json
import sys

from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NamespaceNotEmptyError, NoSuchTableError, TableAlreadyExistsError

catalog = load_catalog("floecat", type="rest", uri=sys.argv[1], warehouse="default")


def raised(error, call, *args):
    try:
        call(*args)
    except error:
        return True
    return False


told = {}
told["properties"] = catalog.update_namespace_properties("cafe", removals={"none"}, updates={"owner": "ann"}).updated
told["taken"] = raised(TableAlreadyExistsError, catalog.rename_table, "cafe.cats", "cafe.visits")
told["moved"] = catalog.rename_table("cafe.cats", "cafe.clinic.patients").name()
catalog.drop_table("cafe.visits")
told["gone"] = raised(NoSuchTableError, catalog.drop_table, "cafe.visits")
told["full"] = raised(NamespaceNotEmptyError, catalog.drop_namespace, "cafe.clinic")
for identifier in catalog.list_tables("cafe.clinic"):
    catalog.drop_table(identifier)
catalog.drop_namespace("cafe.clinic")
told["left"] = [".".join(namespace) for namespace in catalog.list_namespaces(())]
told["inside"] = [".".join(namespace) for namespace in catalog.list_namespaces("cafe")]
print(json.dumps(told))
