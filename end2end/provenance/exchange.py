"""Exchanges documents with the Python package `prov`, and RDF with `rdflib`; the test
`provenance::python` of the server drives it.

    exchange.py answer DIR   reads each DIR/N.json that we wrote, and writes it again as N.answer;
                             holds each DIR/N.ttl against DIR/N.jsonld;
                             makes documents of its own, M.made
    exchange.py check DIR    each DIR/M.ours must be the document M.made

Exit code 0 if all went well; else the first thing that did not is on standard error.
"""

import datetime
import itertools
import pathlib
import random
import sys

from prov.constants import PROV_ROLE, PROV_TYPE
from prov.identifier import Identifier
from prov.model import Literal, ProvDocument
from rdflib import Graph
from rdflib.compare import isomorphic

MADE = 100


def answer(directory):
    for file in sorted(directory.glob("*.json")):
        try:
            document = ProvDocument.deserialize(file, format="json")
        except Exception as error:
            sys.exit(f"{file} cannot be read: {error!r}\n{file.read_text()}")
        file.with_suffix(".answer").write_text(document.serialize(format="json"))
    for file in sorted(directory.glob("*.ttl")):
        turtle = Graph().parse(file, format="turtle")
        jsonld = Graph().parse(file.with_suffix(".jsonld"), format="json-ld")
        if not isomorphic(turtle, jsonld):
            sys.exit(f"{file} and its JSON-LD say different things\n{file.read_text()}")
    for number in range(MADE):
        made = make(random.Random(number)).serialize(format="json")
        (directory / f"{number}.made").write_text(made)


def check(directory):
    for file in sorted(directory.glob("*.made")):
        made = ProvDocument.deserialize(file, format="json")
        ours = ProvDocument.deserialize(file.with_suffix(".ours"), format="json")
        if made != ours:
            sys.exit(f"{file} has changed:\n{file.read_text()}\n{file.with_suffix('.ours').read_text()}")


def make(dice):
    """A document with some of everything that ours can say."""
    document = ProvDocument()
    document.set_default_namespace("http://example.org/default#")
    space = document.add_namespace("ex", "http://example.org/")

    numbers = itertools.count()

    def name():
        # No two alike: records of one name are one element to us.
        return space[f"{dice.choice(['a', 'é-', 'x.', 'y/'])}{next(numbers)}"]

    def time():
        return dice.choice([None, datetime.datetime(2024, 11, dice.randint(1, 28), 22, 14, 5, dice.choice([0, 250000]))])

    def value():
        return dice.choice([
            "a text", "  \"quoted\" \\ é\n", 3, -(2**40), True, 1.5, space["named"],
            Literal("du texte", langtag="fr"), Identifier("http://example.org/there"),
            Literal("2024-11-28T22:14:05", datatype=document.valid_qualified_name("xsd:dateTime")),
        ])

    def attributes(*more):
        keys = ["ex:size", "ex:note", *more]
        return {dice.choice(keys): value() for _ in range(dice.randint(0, 3))}

    entities = [document.entity(name(), attributes(PROV_TYPE)) for _ in range(4)]
    activities = [document.activity(name(), time(), time(), attributes()) for _ in range(3)]
    agents = [document.agent(name(), attributes(PROV_TYPE)) for _ in range(2)]
    one = dice.choice

    def maybe(some):
        return one([one(some), None])

    identifier = lambda: one([None, name()])
    for _ in range(dice.randint(0, 8)):
        one([
            lambda: document.used(one(activities), maybe(entities), time(), identifier(), attributes(PROV_ROLE)),
            lambda: document.wasGeneratedBy(one(entities), maybe(activities), time(), identifier(), attributes(PROV_ROLE)),
            lambda: document.wasDerivedFrom(one(entities), one(entities), maybe(activities), None, None, identifier(), attributes()),
            lambda: document.wasAssociatedWith(one(activities), maybe(agents), maybe(entities), identifier(), attributes(PROV_ROLE)),
            lambda: document.wasAttributedTo(one(entities), one(agents), identifier(), attributes()),
            lambda: document.hadMember(one(entities), one(entities)),
        ])()
    return document


if __name__ == "__main__":
    {"answer": answer, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
