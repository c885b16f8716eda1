#!/usr/bin/env python3
"""The outputs in README.md and the man pages are those of real runs: this makes them, and tells the stale.

usage: blocks.py [--write | --write-all] [--real] [--list] FILE...

Every literal block of a FILE (a fence in Markdown, .Bd -literal in mdoc) has a line before it that
says where it comes from, <!-- ... --> or .\\" ...:

    output              what the commands print that the block shows after "$ "
    output RECIPE       the same of function RECIPE of tests/docs/recipes.bash, which has them in $COMMANDS
    no output: WHY      nothing is printed there: a figure drawn by hand, commands alone

What differs between two runs (times, ports, addresses made from them, random bits) is masked before a
block is compared with its run. A run is repeated a few times before a block is called stale: on a busy
machine packets are late. Recipes whose names begin with real_ need root, and run with --real alone.
--write puts runs in place of stale blocks, --write-all of all. TEREDOCTL names the program.
"""

import concurrent.futures
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TRIES = 10
TIMEOUT = 120
# What a user types, and root; a comment in an output is neither.
PROMPT = re.compile(r"\$ |# teredoctl ")

# Fields that a run chooses anew, in the order in which they are masked. RFC 4380's fixed addresses and
# the ports of the servers stay.
MASKS = [
    (r"fe80::(?!ffff:ffff:ffff\b|8000:f227:3fff:fdfe\b|1\b)[0-9a-f:]+", "fe80::RANDOM"),
    (r"\b2001:0:c000:(201|281):[0-9a-f:]+(?<!:)", r"2001:0:c000:\1:CLIENT"),
    (r"\b20\d\d-\d\d-\d\dT[0-9:.]+Z", "TIME"),
    (r"\b(\d+\.\d+\.\d+\.\d+):(?!354[456]\b)\d+", r"\1:PORT"),
    (r"\bport (?!354[456]\b)\d+", "port PORT"),
    (r"\b\d+\.\d+\.\.\d+\.\d+", "OFFSET"),
    (r"[+-]?\b\d+(\.\d+)?-\d+\.\d+(?= )", "OFFSET"),
    (r"[+-]?\d+\.\d+ ?(ms|s)\b", r"DURATION"),
    (r"(_seconds\{[^}]*\} )\S+", r"\1N"),
    (r"\d+\.\d+ to \d+\.\d+ s\b", "FROM to TO s"),
    (r"\+\d+\.\d{3}\b", "OFFSET"),
    (r"\b\d+ packets sent, \d+ received", "N packets sent, N received"),
    (r"\b1 in \d+", "1 in N"),
    (r"\b\d+ of \d+ controls", "N of N controls"),
    (r"\b(in|all) \d+ (mappings|solicitations)", r"\1 N \2"),
    (r"\bseen in \d+", "seen in N"),
    (r"drift [+-]\d+\.\d ppm", "drift N ppm"),
    (r"\bfrom \d+ packets", "from N packets"),
    (r"\b\d+ Teredo packets of \d+ frames", "N Teredo packets of N frames"),
    (r"\b\d+ (bubbles to external|times|Teredo packets in|flows, of|frames with|UDP datagrams)", r"N \1"),
    (r"^( *(?:bubble|rs|ra|echo_request|echo_reply) +)\d+$", r"\1N"),
    (r"\b\d+ with direct bubbles both ways, \d+ one", "N with direct bubbles both ways, N one"),
    (r"[│|]+", " "),
    (r"─+", "─"),
    (r"-{2,}(?!\w)", "--"),
]


def masked(text):
    lines = []
    for line in text.splitlines():
        for pattern, replacement in MASKS:
            line = re.sub(pattern, replacement, line)
        lines.append(" ".join(line.split()))
    return lines


class Block:
    """Lines FIRST to LAST (excluded) of the file are the content; WORDS come from the marker."""

    def __init__(self, path, first, last, lines, words, mdoc):
        self.path, self.first, self.last, self.words, self.mdoc = path, first, last, words, mdoc
        self.text = [from_mdoc(x) for x in lines[first:last]] if mdoc else lines[first:last]
        self.where = f"{path}:{first}"

    @property
    def recipe(self):
        match = re.fullmatch(r"output (\w+)", self.words or "")
        return match and match[1]

    def parts(self):
        """[command lines, output lines]...; the first command is empty if output comes first."""
        found = [[[], []]]
        more = None
        for line in self.text:
            if more is None and re.match(r"(?:\$|# teredoctl) ?", line):
                if found[-1][1] or found[-1][0] and not self.recipe:
                    found.append([[], []])
                found[-1][0].append(line)
                more = line[2:]
            elif more is not None:
                found[-1][0].append(line)
                more += "\n" + line
            else:
                found[-1][1].append(line)
            if more is not None and complete(more):
                more = None
        return found[1:] if found[0] == [[], []] else found


def complete(command):
    if re.search(r"[\\|]$", command):
        return False
    return subprocess.run(["bash", "-n", "-c", command], stderr=subprocess.DEVNULL, check=False).returncode == 0


def from_mdoc(line):
    return line.replace(r"\[u2026]", "…").removeprefix(r"\&").replace(r"\e", "\\")


def to_mdoc(line):
    line = line.replace("\\", r"\e").replace("…", r"\[u2026]")
    return r"\&" + line if line[:1] in (".", "'") else line


def blocks_of(path):
    """The blocks of a file, and what is wrong with how they are marked."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    mdoc = not path.endswith(".md")
    begin, end = (r"\.Bd .*-literal", r"\.Ed") if mdoc else (r"```", r"```")
    marker = r'\.\\" (.*)' if mdoc else r"<!-- (.*) -->"
    found, wrong, first = [], [], None
    for number, line in enumerate(lines):
        if first is None and re.match(begin, line):
            first = number + 1
        elif first is not None and re.fullmatch(end, line):
            match = re.fullmatch(marker, lines[first - 2])
            words = match[1] if match else None
            if not words or not re.fullmatch(r"output( \w+)?|no output: .+", words):
                wrong.append(f"{path}:{first}: no line before this block says where it comes from")
            found.append(Block(path, first, number, lines, words, mdoc))
            first = None
    return found, wrong


def run(script, scratch, directory):
    environment = {
        "PATH": f"{scratch}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "HOME": str(scratch),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "RECIPES": str(HERE / "recipes.bash"),
        "TEREDOCTL": f"{scratch}/teredoctl",
    }
    for name in os.environ:
        if name.endswith("SAN_OPTIONS"):
            environment[name] = os.environ[name]
    # timeout also ends what the script has started: it would keep the pipe open.
    done = subprocess.run(
        ["timeout", "-k", "5", str(TIMEOUT), "bash", "-c", script], cwd=directory, env=environment, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    if done.returncode in (124, 137):
        return [f"not done after {TIMEOUT} s: {script}"]
    return done.stdout.splitlines()


def made(block, scratch):
    """The block as a run makes it now; its commands run one after another in a directory of their own."""
    result = []
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        for fixture in (scratch / "fixtures").iterdir():
            shutil.copy(fixture, directory)
        for command, _ in block.parts():
            shown = "\n".join(line[2:] if re.match(r"(?:\$|# teredoctl) ?", line) else line for line in command)
            script = f'source "$RECIPES"; {block.recipe}' if block.recipe else shown
            lines = run(f"COMMANDS={quoted(shown)}\n{script}", scratch, directory)
            # A recipe may print the commands itself, if they too differ from run to run.
            if not (block.recipe and re.match(r"(?:\$|# teredoctl) ?", "".join(lines[:1]))):
                result += command
            result += lines
    return result


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def fresh(block, scratch):
    """Lines to put in place of the block, or None if it is as a run prints it."""
    lines = []
    for _ in range(TRIES):
        lines = made(block, scratch)
        if masked("\n".join(lines)) == masked("\n".join(block.text)):
            return None, lines
    return lines, lines


def prepare(scratch):
    # The program itself, where TEREDOCTL keeps records for other tests.
    program = os.environ.get("TEREDOCTL_PROGRAM") or os.environ.get("TEREDOCTL")
    program = Path(program or HERE / "../../build/teredoctl").resolve()
    (scratch / "teredoctl").symlink_to(program)
    fixtures = scratch / "fixtures"
    fixtures.mkdir()
    (fixtures / "list").write_text("2001:0:c000:201:2c5a:63bf:34ff:8ef6\n2002:c000:204::1\n", encoding="ascii")
    craft = Path(os.environ.get("top_builddir") or HERE / "../../build") / "tests/pcap/craft"
    frames = (HERE / "../pcap/kinds.frames").read_bytes()
    with open(fixtures / "punch.pcap", "wb") as capture:
        subprocess.run([str(craft.resolve())], input=frames, stdout=capture, check=True)


def main(arguments):
    options = {word for word in arguments if word.startswith("--")}
    files = [word for word in arguments if not word.startswith("--")]
    if not files or options - {"--write", "--write-all", "--real", "--list"}:
        print(__doc__, file=sys.stderr)
        return 64
    blocks, wrong = [], []
    for path in files:
        found, faults = blocks_of(path)
        blocks += found
        wrong += faults
    recipes = set(re.findall(r"^(\w+)\(\) \{ *# output", (HERE / "recipes.bash").read_text(encoding="utf-8"), re.M))
    used = {block.recipe for block in blocks if block.recipe}
    wrong += [f"there is no recipe {name}" for name in sorted(used - recipes)]
    if "--list" in options:
        wrong += [f"nothing uses the recipe {name}" for name in sorted(recipes - used)]
        for block in blocks:
            print(f"{block.where}: {block.words}")
    if wrong or "--list" in options:
        print("\n".join(wrong), file=sys.stderr)
        return 1 if wrong else 0
    real = "--real" in options
    chosen = [b for b in blocks if b.words.startswith("output") and (b.recipe or "").startswith("real_") == real]
    stale = 0
    with tempfile.TemporaryDirectory(prefix="docs") as directory:
        prepare(Path(directory))
        with concurrent.futures.ThreadPoolExecutor(1 if real else 2) as pool:
            results = list(pool.map(lambda block: fresh(block, Path(directory)), chosen))
    for block, (news, lines) in reversed(list(zip(chosen, results))):
        if news is not None:
            stale += 1
            print(f"{block.where}: not what a run prints:")
            print("\n".join(difflib.unified_diff(block.text, news, "document", "run", lineterm="", n=1)))
        if "--write-all" in options or news is not None and "--write" in options:
            text = Path(block.path).read_text(encoding="utf-8").splitlines()
            text[block.first : block.last] = [to_mdoc(line) for line in lines] if block.mdoc else lines
            Path(block.path).write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"{len(chosen)} blocks, {stale} stale")
    return 1 if stale and not options & {"--write", "--write-all"} else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
