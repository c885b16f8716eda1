#!/usr/bin/env python3
"""Validates what teredoctl printed with --format=json and jsonl against its JSON Schema.

usage: validate.py [--invalid] SCHEMA FILE...

A FILE named *.json has one object, without "event"; one named *.jsonl an object a line, each with
"event"; any other has such objects among other lines, each beginning with a line that begins with "{".
What does not validate is named, and the status is 1. The last lines say how many objects of which
command and event there were. With --invalid, no object may validate.
"""
import json
import sys

import jsonschema


class Schema:
    def __init__(self, document):
        self.document = document
        jsonschema.Draft202012Validator.check_schema(document)
        self.validator = jsonschema.Draft202012Validator(document)

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.document["$defs"][schema["$ref"].rpartition("/")[2]]
        return schema

    def is_valid(self, schema, instance):
        return self.validator.evolve(schema=schema).is_valid(instance)

    def candidates(self, instance):
        """The schemas of this command: those of this event, if there are any."""
        found = []
        for rule in self.document["allOf"]:
            if self.is_valid(rule["if"], instance):
                found += [self.resolve(s) for s in rule["then"]["oneOf"]]
        of_event = [s for s in found
                    if s["properties"].get("event", {}).get("const") == instance.get("event")]
        return of_event or found

    def accepts(self, instance):
        """Whether it is valid. Most of what is not is not for what its own schema says, which is quick to ask."""
        own = self.candidates(instance)
        if own and not any(self.is_valid(schema, instance) for schema in own):
            return False
        return self.validator.is_valid(instance)

    def errors(self, instance):
        """What is wrong with a valid JSON object, in words; empty if nothing is."""
        errors = list(self.validator.iter_errors(instance))
        if not errors:
            return []
        details = [list(self.validator.evolve(schema=s).iter_errors(instance))
                   for s in self.candidates(instance)]
        errors = min((d for d in details if d), key=len, default=errors)
        return [f"{e.json_path}: {e.message[:300]}" for e in errors]


def objects(text, strict):
    """The objects in TEXT. What is cut at the end was not read to its end by the test."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        if text[position] == "{":
            try:
                instance, position = decoder.raw_decode(text, position)
            except json.JSONDecodeError as e:
                if e.pos >= len(text.rstrip("\n")) - 1 or not text.endswith("\n"):
                    return
                raise
            yield instance
        elif strict and not text[position].isspace():
            raise ValueError(f"no JSON: {text[position:position + 60]!r}")
        end = text.find("\n", position)
        position = len(text) if end < 0 else end + 1


def check_file(schema, name, counts):
    suffix = name.rpartition(".")[2]
    with open(name, encoding="utf-8") as file:
        text = file.read()
    found = list(objects(text, suffix in ("json", "jsonl")))
    if suffix == "jsonl" and len(found) < len(text.splitlines()) - (not text.endswith("\n")):
        yield "an object that is not on one line"
    if suffix == "json" and len(found) > 1:
        yield "more than one object"
    for instance in found:
        event = instance.get("event")
        if (suffix == "jsonl" and event is None) or (suffix == "json" and event is not None):
            yield f"event is {event!r}"
        errors = schema.errors(instance)
        for error in errors:
            yield f"{instance.get('command')} {event or ''}: {error}"
        if not errors:
            key = (instance["command"], event or "-")
            counts[key] = counts.get(key, 0) + 1


def check_invalid(schema, files):
    count, failed = 0, 0
    for name in files:
        with open(name, encoding="utf-8") as file:
            for instance in objects(file.read(), True):
                count += 1
                if schema.accepts(instance):
                    print(f"valid: {json.dumps(instance)}")
                    failed += 1
    print(f"{count} objects")
    return 1 if failed or not count else 0


def main(arguments):
    mode = arguments.pop(0) if arguments[0].startswith("--") else ""
    name, *files = arguments
    with open(name, encoding="utf-8") as file:
        schema = Schema(json.load(file))
    counts, failed = {}, 0
    if mode == "--invalid":
        return check_invalid(schema, files)
    for name in files:
        try:
            for problem in check_file(schema, name, counts):
                print(f"{name}: {problem}")
                failed += 1
        except ValueError as e:
            print(f"{name}: {e}")
            failed += 1
    for (command, event), count in sorted(counts.items()):
        print(f"{command} {event} {count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
