#!/usr/bin/env python3
"""Compares the schema with the structure of the records, or takes it over.

usage: skeleton.py [--write] SKELETON SCHEMA

SKELETON is what tests/schema/skeleton prints: an entry of "$defs" for each record and each list of
words. In SCHEMA each of them must be there, the same but for what only hands write: descriptions, and
what narrows a value more than its type does. With --write SCHEMA is written anew with them; that, and
entries that are of no record, stay.
"""
import json
import sys

WIDTH = 100


BY_HAND = {"description", "minimum", "maximum", "minItems", "maxItems"}


def by_hand(there, entry):
    """What hands wrote of the object THERE; its words, where the skeleton knows of none."""
    return {key: value for key, value in there.items()
            if key in BY_HAND or key == "enum" and ("type" in entry or "$ref" in entry)}


def taken_over(there, entry):
    """ENTRY, and what hands wrote in THERE at the same place."""
    if isinstance(there, dict) and isinstance(entry, dict):
        taken = {key: taken_over(there.get(key), value) for key, value in entry.items()}
        hand = by_hand(there, entry)
        first = {key: hand.pop(key) for key in ["description"] if key in hand}
        return {**first, **taken, **hand}
    if isinstance(there, list) and isinstance(entry, list) and len(there) == len(entry):
        return [taken_over(*pair) for pair in zip(there, entry)]
    return entry


def layout(value, indent=0):
    """JSON in lines of at most WIDTH columns: on one line whatever fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) and value and isinstance(value.get("properties"), dict) \
            and len(value["properties"]) > 2:
        flat = " " * WIDTH
    if len(flat) + indent <= WIDTH - 12 or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        lines, line = [], ""
        for word in [json.dumps(item) + "," for item in value[:-1]] + [json.dumps(value[-1])]:
            if line and len(inner) + len(line) + 1 + len(word) > WIDTH:
                lines.append(line)
                line = ""
            line += (" " if line else "") + word
        return "[\n" + "\n".join(inner + line for line in lines + [line]) + "\n" + " " * indent + "]"
    if isinstance(value, list):
        items = [inner + layout(item, indent + 2) for item in value]
        return "[\n" + ",\n".join(items) + "\n" + " " * indent + "]"
    items = [f"{inner}{json.dumps(key)}: {layout(item, indent + 2)}" for key, item in value.items()]
    return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"


def main(arguments):
    write = arguments[0] == "--write"
    skeleton_name, schema_name = arguments[1:] if write else arguments
    with open(skeleton_name, encoding="utf-8") as file:
        skeleton = json.load(file)
    with open(schema_name, encoding="utf-8") as file:
        schema = json.load(file)
    failed = 0
    for name, entry in skeleton.items():
        there = schema["$defs"].get(name)
        schema["$defs"][name] = taken_over(there, entry)
        if schema["$defs"][name] != there:
            failed = 1
            if not write:
                print(f"{name} is {json.dumps(there)}\n  and not {json.dumps(entry)}")
    if write:
        with open(schema_name, "w", encoding="utf-8") as file:
            file.write(layout(schema) + "\n")
        return 0
    print(f"{len(skeleton)} entries")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
