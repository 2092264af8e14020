"""Judges YAML files by a JSON Schema. For each file one line of JSON: what is wrong with it, a sentence each.

The words of YAML 1.2 are read as such: `on`, `no` and `012` are text, as for editors and for the plans' own reader.
"""

import json
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """PyYAML knows the words of YAML 1.1 alone."""


Loader.yaml_implicit_resolvers = {}
for kind, pattern, begins in [
    ("null", r"|~|null|Null|NULL", ["", "~", "n", "N"]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), begins)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as file:
        document = yaml.load(file, Loader)
    errors = validator.iter_errors(document)
    print(json.dumps([f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]))
