#!/usr/bin/env python3
"""Compares the tables of tests/schema/every_word --tsv with its JSON, value by value.

usage: compare_tsv.py TABLES JSON

A table has the rows of the objects that jsonl prints; of qualify, check, classify and trace those
of the verdicts. Every column must have a value in some row, and a value has neither tabs nor line ends.
"""
import json
import sys

VERDICT_ONLY = ("qualify", "check", "classify", "trace")


def cell(value):
    if value is None or value == "" or value == []:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.9f}"
    if isinstance(value, list):
        return ",".join(word(item) for item in value)
    if isinstance(value, dict):
        return f"{value['address']}:{value['port']}"
    return "".join("?" if ord(c) < 32 or ord(c) == 127 else c for c in str(value))


def word(item):
    return str(item.get("code") or item.get("reason") or item.get("name") or item["type"])


def look_up(instance, column):
    for key in column.split("."):
        instance = None if instance is None else instance.get(key)
    return instance


def read_json(name):
    decoder = json.JSONDecoder()
    with open(name, encoding="utf-8") as file:
        text = file.read()
    tables, position = {}, 0
    while position < len(text):
        instance, position = decoder.raw_decode(text, position)
        position += 1
        event = instance.get("event")
        table = instance["command"]
        if (table, event) == ("decode", "summary"):
            table = "decode --summary"
        if (table, event) == ("trace", "punch"):
            table = "trace -r"
        if event and (table not in VERDICT_ONLY or event == "verdict"):
            tables.setdefault(table, []).append(instance)
    return tables


def read_tables(name):
    tables = {}
    with open(name, encoding="utf-8") as file:
        for line in file.read().split("\n")[:-1]:
            if line.startswith("# "):
                rows = tables.setdefault(line[2:], [])
            else:
                rows.append(line.split("\t"))
    return tables


def main(tables_name, json_name):
    tables, objects = read_tables(tables_name), read_json(json_name)
    failed = 0
    if tables.keys() != objects.keys():
        print(f"tables of {sorted(tables)}, objects of {sorted(objects)}")
        failed = 1
    for table, (columns, *rows) in tables.items():
        wanted = [[cell(look_up(o, c)) for c in columns] for o in objects.get(table, [])]
        if len(wanted) != len(rows):
            print(f"{table}: {len(rows)} rows, {len(wanted)} objects")
            failed = 1
        for row, want in zip(rows, wanted):
            if row != want:
                print(f"{table}: {row}\n  not {want}")
                failed = 1
        for i, column in enumerate(columns):
            if all(row[i:i + 1] in (["-"], []) for row in rows):
                print(f"{table}: nothing in the column {column}")
                failed = 1
        print(f"{table}: {len(columns)} columns, {len(rows)} rows")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
