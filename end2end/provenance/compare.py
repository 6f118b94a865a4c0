"""Holds our provenance against the Python package `prov` and the original's `provprocess`.

    compare.py same OURS.json THEIRS.json    documents equal, up to names of activities
    compare.py read OURS.json                `prov` reads it and writes it again without loss
    compare.py rdf OURS.ttl OURS.jsonld      both say the same statements (needs rdflib)

Keys that only we write (a hash of the content, a second path) are left out of comparisons with the
original, which passes them on where it finds them. Exit code 0 if all is the same.
"""

import json
import sys

OURS_ONLY = {"content_hash", "content_hash_type", "actual_path",
             "config_file_content_hash", "config_file_content_hash_type"}


def renamed(text, names):
    for old, new in names.items():
        text = text.replace(f'"id:{old}"', f'"id:{new}"').replace(f'"id:{old}_', f'"id:{new}_')
    return text


def document(file):
    """The document as `prov` reads it, its activities named by their labels."""
    from prov.model import ProvDocument

    text = open(file).read()
    activities = json.loads(text)["activity"]
    labels = [value["prov:label"] for value in activities.values()]
    assert len(labels) == len(set(labels)), f"{file}: two activities of one name"
    names = {key.split(":", 1)[1]: value["prov:label"] for key, value in activities.items()}
    content = json.loads(renamed(text, names))
    for section in content.values():
        for value in section.values():
            if isinstance(value, dict):
                for key in OURS_ONLY & value.keys():
                    del value[key]
    return ProvDocument.deserialize(content=json.dumps(content), format="json")


def same(ours, theirs):
    a, b = document(ours), document(theirs)
    assert len(a.get_records()) == len(b.get_records()), "the documents differ in size"
    for file, one, other in ((ours, a, b), (theirs, b, a)):
        for record in one.get_records():
            if record not in other.get_records():
                print("only in", file, ":", record)
    assert a == b, "the documents differ"
    print("same:", len(a.get_records()), "records")


def read(ours):
    from prov.model import ProvDocument

    document = ProvDocument.deserialize(ours)
    again = ProvDocument.deserialize(content=document.serialize(), format="json")
    assert document == again
    print("read:", len(document.get_records()), "records")


def rdf(turtle, jsonld):
    from rdflib import Graph
    from rdflib.compare import isomorphic

    a, b = Graph().parse(turtle, format="turtle"), Graph().parse(jsonld, format="json-ld")
    assert isomorphic(a, b), "Turtle and JSON-LD differ"
    print("rdf:", len(a), "statements")


if __name__ == "__main__":
    {"same": same, "read": read, "rdf": rdf}[sys.argv[1]](*sys.argv[2:])
