#!/usr/bin/env python3
"""Tells of the errors in the sources that DIAGNOSTICS of no man page explains, and of entries in
teredoctl(1) that no source prints.

usage: messages.py SOURCE-DIRECTORY

An error is the format of an error_set, argp_error or argp_failure. Its conversions stand for any words
in an entry; the system's reason, after a colon, may be left out there.
"""

import re
import sys
from pathlib import Path

CALL = re.compile(r"\b(?:error_set|argp_error|argp_failure)\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%[-.*0-9]*(?:ll|l|z|h)?[a-z]")


def calls(text):
    """The arguments of each call, as text."""
    for match in CALL.finditer(text):
        depth, end, quoted = 1, match.end(), False
        while depth:
            char = text[end]
            if quoted and char == "\\":
                end += 1
            elif char == '"':
                quoted = not quoted
            elif not quoted:
                depth += {"(": 1, ")": -1}.get(char, 0)
            end += 1
        yield text[match.end() : end - 1]


def formats(root):
    """Each format, and the file that it is first seen in."""
    found = {}
    for path in sorted(Path(root, "src").rglob("*.c")):
        for arguments in calls(path.read_text(encoding="utf-8")):
            first = LITERAL.search(arguments)
            if not first:
                continue
            # Adjacent literals are one.
            text, rest = first[1], arguments[first.end() :]
            while more := re.match(r'\s*"((?:[^"\\]|\\.)*)"', rest):
                text, rest = text + more[1], rest[more.end() :]
            text = text.replace('\\"', '"')
            # Which option it is of is told apart by an entry that wants to.
            text = re.sub(r"^--[a-z-]+: ", "%s: ", text)
            if re.search(r"[A-Za-z]", CONVERSION.sub("", text)):
                found.setdefault(text, path.name)
    return found


def entries(page):
    """The .It of the page's DIAGNOSTICS."""
    text = page.read_text(encoding="utf-8")
    section = re.search(r"^\.Sh DIAGNOSTICS$(.*?)^\.Sh ", text, re.M | re.S)
    found = re.findall(r'^\.It "?(.*?)"?$', section[1], re.M) if section else []
    return [entry.replace('""', '"') for entry in found]


def pattern(text):
    parts = [re.escape(part) for part in CONVERSION.split(text)]
    return re.compile(".*".join(parts) + "(: .*)?")


def main(root):
    wanted = formats(root)
    common = entries(Path(root, "man/teredoctl.1"))
    every = [entry for page in sorted(Path(root, "man").glob("*.1")) for entry in entries(page)]
    patterns = {text: pattern(text) for text in wanted}
    missing = [text for text in wanted if not any(patterns[text].fullmatch(entry) for entry in every)]
    unknown = [entry for entry in common if not any(p.fullmatch(entry) for p in patterns.values())]
    for text in missing:
        print(f"{wanted[text]}: no page explains: {text}")
    for entry in unknown:
        print(f"teredoctl.1: no source prints: {entry}")
    print(f"{len(wanted)} messages, {len(missing)} unexplained; {len(common)} entries, {len(unknown)} idle")
    return 1 if missing or unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
