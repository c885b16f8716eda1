#!/usr/bin/env python3
"""Changes the engines in one place at a time and tells which changes no test notices.

Usage, as `make mutate` has it, in the build directory:

    mutate.py --source DIR --cc CC --cflags FLAGS --libs LIBS [--sample N|all] [--seed N] [--jobs N]
              [--files PATTERN]... TEST...

A mutant is one source file with one change: a comparison, a constant, an operator, a condition or a
statement. The mutant is compiled; an object that equals the original one is no mutant. Each test
program that holds the file is linked again with the object before the libraries, so that the linker
leaves the original out. The mutant is killed when a test fails, crashes or takes too long.

The changes are drawn at random from all that are possible, by --seed; --sample says how many.
tests/mutate/survivors lists mutants that may survive, with the reason: the exit status is 1 when
one survives that is not in that list.
"""

import argparse
import concurrent.futures
import fnmatch
import glob
import os
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

# Mutants run into a trap where the sanitizers' build of the tests would tell of the same.
TRAPS = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
# How long a test may take on the original before it is left out, in seconds.
SLOWEST = 20
# How many seeds a case the matrices run with, in the environment, or as an argument.
SEEDS = "10"
ARGUMENTS = {"test_passive_matrix": ["1"]}

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<preprocessor>^[ \t]*\#(?:[^\n\\]|\\.)*)
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<character>'(?:[^'\\\n]|\\.)*')
      | (?P<number>\.?[0-9](?:[eEpP][-+]|[0-9a-zA-Z_.])*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<space>\s+)
      | (?P<operator><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
SWAPS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
    "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "<<": ">>", ">>": "<<", "/": "*", "%": "/",
}
# These have another meaning where no operand stands before them.
BINARY_SWAPS = {"+": "-", "-": "+", "&": "|", "|": "&"}
NAME_SWAPS = {"true": "false", "false": "true", "nsec_min": "nsec_max", "nsec_max": "nsec_min"}
# A statement that begins with one of these is not dropped: the compiler or another change does it.
KEPT = {
    "if", "else", "for", "while", "do", "switch", "case", "default", "goto", "return", "enum",
    "struct", "static", "const", "unsigned", "int", "sizeof", "typedef", "union",
}


class Token:
    def __init__(self, kind, text, start):
        self.kind, self.text, self.start = kind, text, start
        self.end = start + len(text)
        self.divides = False  # two statements


def read_tokens(source):
    """The tokens of SOURCE, without white space and comments; a #define gives its own."""
    tokens = []
    for match in TOKEN.finditer(source):
        kind, text = match.lastgroup, match.group()
        if kind in ("space", "comment"):
            continue
        if kind == "preprocessor":
            value = re.match(r"\s*#define\s+\w+\s(.*)", text, re.DOTALL)
            if value:
                tokens.append(Token("operator", ";", match.start()))
                for part in TOKEN.finditer(value.group(1)):
                    if part.lastgroup not in ("space", "comment", "preprocessor"):
                        tokens.append(Token(part.lastgroup, part.group(),
                                            match.start() + value.start(1) + part.start()))
            tokens.append(Token("operator", ";", match.end()))
            tokens[-1].end = match.end()
            continue
        tokens.append(Token(kind, text, match.start()))
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        token.divides = token.text in (";", "{", "}") and depth <= 0
    return tokens


def is_operand(token):
    return (token.kind in ("number", "name", "string", "character") and token.text != "return"
            or token.text in (")", "]"))


def closing(tokens, i, step):
    """The index of the bracket that matches the one at I; STEP is 1 or -1."""
    depth = 0
    while 0 <= i < len(tokens):
        if tokens[i].text in "([{":
            depth += 1
        elif tokens[i].text in ")]}":
            depth -= 1
        if depth == 0:
            return i
        i += step
    return None


def clause_end(tokens, i, step, operator):
    """Where the operand ends that begins beside OPERATOR at I: the index of what follows it."""
    stops = {";", ",", "?", ":", "{", "}", "=", "return", "||"} | ({operator} - {"||"})
    if operator == "||" and step == 1:
        stops |= {"||"}
    i += step
    while 0 <= i < len(tokens):
        text = tokens[i].text
        if text in stops:
            return i
        if text in ("([{" if step == 1 else ")]}"):
            i = closing(tokens, i, step)
            if i is None:
                return None
        elif text in "([{)]}":
            return i
        i += step
    return None


def number_changes(tokens, i):
    """One more and one less; twice and half of a duration, of which one more is no edge."""
    token = tokens[i]
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)", token.text)
    if not match:
        return
    value = int(match.group(1), 16 if match.group(1)[:2].lower() == "0x" else 10)
    duration = (value > 3 and i + 2 < len(tokens) and tokens[i + 1].text == "*"
                and tokens[i + 2].text.startswith("NSEC_"))
    for other in (value * 2, value // 2) if duration else (value + 1, value - 1):
        if other >= 0:
            yield token.start, token.end, f"{other}{match.group(2)}"


def is_array_size(tokens, i):
    """[NUMBER] after a declared name, and not an index."""
    return (0 < i < len(tokens) - 1 and tokens[i - 1].text == "[" and tokens[i + 1].text == "]"
            and i > 2 and tokens[i - 3].kind == "name" and tokens[i - 3].text not in KEPT - {
                "int", "unsigned"})


def statement_changes(tokens, i, heads):
    """The statement that begins at I goes away, if it is one that can."""
    first, second = tokens[i], tokens[i + 1] if i + 1 < len(tokens) else None
    if second is None:
        return
    if first.text in ("break", "continue") or (first.text == "return" and second.text == ";"):
        yield first.start, first.end, ""
        return
    starts = (first.kind == "name" and first.text not in KEPT
              and (second.text in ("(", ".", "->", "[", "++", "--") or second.text.endswith("=")))
    if not starts and not (first.text in ("*", "++", "--") and i in heads):
        return
    end = i
    while end < len(tokens) and tokens[end].text != ";":
        if tokens[end].text in "([{":
            end = closing(tokens, end, 1)
            if end is None:
                return
        end += 1
    if end < len(tokens):
        yield first.start, tokens[end].start, ""


def token_changes(tokens, i):
    token = tokens[i]
    before = tokens[i - 1] if i > 0 else None
    if token.kind == "number":
        zero = token.text == "0" and before is not None and before.text == "{"
        if not zero and not is_array_size(tokens, i):
            yield from number_changes(tokens, i)
    elif token.kind == "name":
        if token.text in NAME_SWAPS:
            yield token.start, token.end, NAME_SWAPS[token.text]
        if token.text in ("if", "while") and tokens[i + 1].text == "(":
            end = closing(tokens, i + 1, 1)
            if end is not None:
                inner = (tokens[i + 1].end, tokens[end].start)
                yield *inner, None  # negated
    elif token.text in SWAPS:
        yield token.start, token.end, SWAPS[token.text]
    elif token.text in BINARY_SWAPS and before is not None and is_operand(before):
        yield token.start, token.end, BINARY_SWAPS[token.text]
    elif token.text == "!" and token.kind == "operator":
        yield token.start, token.end, ""
    if token.text in ("&&", "||"):
        end = clause_end(tokens, i, 1, token.text)
        if end is not None:
            yield token.start, tokens[end - 1].end, ""
        start = clause_end(tokens, i, -1, token.text)
        if start is not None:
            yield tokens[start + 1].start, token.end, ""


def functions(tokens):
    """For each token the name of the function that it is in; None outside of functions."""
    names, depth, inside, candidate = [], 0, None, None
    for i, token in enumerate(tokens):
        if token.text == "{":
            if depth == 0:
                inside = candidate if i > 0 and tokens[i - 1].text == ")" else None
            depth += 1
        elif token.text == "}":
            depth -= 1
        elif (depth == 0 and token.text == "(" and i > 0 and tokens[i - 1].kind == "name"
              and not tokens[i - 1].text.startswith("__")):
            candidate = tokens[i - 1].text
        names.append(inside if depth > 0 else None)
    return names


class Mutant:
    """A change of FILE: source[start:end] becomes TEXT."""

    def __init__(self, file, source, tokens, site, function, change):
        self.file, self.function = file, function or "-"
        self.start, self.end, text = change
        if text is None:
            text = f"!({source[self.start:self.end]})"
        self.source, self.text = source, text
        self.line = source.count("\n", 0, self.start) + 1
        low, high = site, site
        while low > 0 and not tokens[low - 1].divides:
            low -= 1
        while high < len(tokens) - 1 and (not tokens[high].divides
                                          or tokens[high].start < self.end):
            high += 1
        begin, end = tokens[low].start, max(tokens[high].start, self.end)
        self.old = squeeze(source[begin:end])
        self.new = squeeze(source[begin:self.start] + text + source[self.end:end])

    def mutated(self):
        return self.source[:self.start] + self.text + self.source[self.end:]

    def __str__(self):
        return f"{self.file}:{self.line}: {self.function}\n- {self.old}\n+ {self.new}\n"


def squeeze(text):
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text).strip() or ";"


def find_mutants(root, file):
    """Each possible change of FILE once: two ways of dropping a clause may be the same."""
    seen = set()
    for mutant in find_changes(root, file):
        result = re.sub(r"\s+", "", mutant.mutated())
        if result not in seen:
            seen.add(result)
            yield mutant


def find_changes(root, file):
    with open(os.path.join(root, file), encoding="utf-8") as f:
        source = f.read()
    tokens = read_tokens(source)
    names = functions(tokens)
    heads = {i for i in range(len(tokens))
             if i > 0 and tokens[i - 1].text in (";", "{", "}", ")", ":", "else")}
    for i in range(len(tokens)):
        changes = list(token_changes(tokens, i))
        if names[i] is not None and i in heads:
            changes += statement_changes(tokens, i, heads)
        for change in changes:
            yield Mutant(file, source, tokens, i, names[i], change)


def read_survivors(path):
    """The pairs (old, new) that may survive, and patterns of "old => new"."""
    pairs, shapes, old = set(), [], None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if line.startswith("- "):
                old = line[2:]
            elif line.startswith("+ ") and old is not None:
                pairs.add((old, line[2:]))
            elif line.startswith("~ "):
                shapes.append(re.compile(line[2:]))
            elif line and not line.startswith("#"):
                sys.exit(f"{path}:{number}: neither a reason, a pair of - and + lines nor a pattern")
    return lambda mutant: ((mutant.old, mutant.new) in pairs or any(
        shape.fullmatch(f"{mutant.old} => {mutant.new}") for shape in shapes))


class Bench:
    """Compiles mutants and lets the tests run on them."""

    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.lock = threading.Lock()
        self.flags = {}
        self.originals, self.kills = {}, {}
        self.symbols, self.times = {}, {}
        with open("tests/layer-flags", encoding="utf-8") as f:
            for line in f:
                layer, _, flags = line.strip().partition(" ")
                self.flags[layer] = shlex.split(flags)
        for test in options.tests:
            # A mutant must not come to send signals, to a process number that it got wrong.
            if "kill" not in self.nm("-D", test):
                self.symbols[test] = set(self.nm("--defined-only", test))
        options.tests = list(self.symbols)

    @staticmethod
    def nm(what, path):
        out = subprocess.run(["nm", "-g", what, path], capture_output=True, text=True,
                             check=True).stdout
        return [line.split()[-1].partition("@")[0] for line in out.splitlines() if line]

    def compile(self, file, source, name):
        """The path of the object; None where the compiler refuses the source. The source bears the
        same name in each directory, for the object holds that name."""
        os.mkdir(os.path.join(self.scratch, name))
        path = os.path.join(self.scratch, name, "mutant")
        with open(path + ".c", "w", encoding="utf-8") as f:
            f.write(source)
        layer = file.split("/")[1]
        command = [*shlex.split(self.options.cc), *self.flags[layer],
                   *shlex.split(self.options.cflags), "-O2", "-g0", "-w", *TRAPS,
                   "-iquote", os.path.join(self.options.source, os.path.dirname(file)),
                   "-c", "-o", path + ".o", path + ".c"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, "CCACHE_DISABLE": "1"}, check=False)
        return path + ".o" if done.returncode == 0 else None

    @staticmethod
    def run(program, test, seconds):
        """Whether PROGRAM, which is TEST, succeeds within so many seconds of processor time."""
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            return subprocess.run([program, *ARGUMENTS.get(os.path.basename(test), [])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, preexec_fn=limit,
                                  timeout=20 * seconds + 60, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def time_tests(self, tests):
        """How long each test takes as it is. A test that fails, or is slow, is left out."""
        for test in tests:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            good = self.run(f"./{test}", test, SLOWEST)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if good:
                self.times[test] = (after.ru_utime + after.ru_stime - before.ru_utime
                                    - before.ru_stime)
            else:
                print(f"# {test} fails, or takes over {SLOWEST} s: it is left out", flush=True)

    def original(self, file):
        """The bytes of the object as it is, and the tests that hold it, those that kill first."""
        if file not in self.originals:
            with open(os.path.join(self.options.source, file), encoding="utf-8") as f:
                path = self.compile(file, f.read(), file.replace("/", "-"))
            if path is None:
                sys.exit(f"{file} does not compile as it is")
            own = set(self.nm("--defined-only", path))
            with open(path, "rb") as f:
                self.originals[file] = f.read(), [t for t in self.options.tests
                                                  if own & self.symbols[t]]
        return self.originals[file]

    def order(self, file):
        stem = os.path.basename(file)[:-2].split("_")[0]
        tests = [t for t in self.original(file)[1] if t in self.times]
        kills = self.kills.setdefault(file, {})
        return sorted(tests, key=lambda t: (-kills.get(t, 0), f"test_{stem}" not in t,
                                            self.times[t]))

    def try_mutant(self, job):
        """What becomes of a mutant: refused, same, killed or survived."""
        number, mutant = job
        path = self.compile(mutant.file, mutant.mutated(), str(number))
        try:
            return mutant, "refused" if path is None else self.find_fate(mutant, path)
        finally:
            shutil.rmtree(os.path.join(self.scratch, str(number)))

    def find_fate(self, mutant, path):
        with self.lock:
            original = self.original(mutant.file)[0]
            tests = self.order(mutant.file)
        with open(path, "rb") as f:
            data = f.read()
        if data == original:
            return "same"
        for test in tests:
            program = f"{path}-test"
            subprocess.run([*shlex.split(self.options.cc), *shlex.split(self.options.cflags),
                            "-pie", "-o", program, f"{test}.o", path,
                            *shlex.split(self.options.libs)], check=True,
                           env={**os.environ, "CCACHE_DISABLE": "1"})
            if not self.run(program, test, 5 * self.times[test] + 1):
                with self.lock:
                    self.kills[mutant.file][test] = self.kills[mutant.file].get(test, 0) + 1
                return "killed"
        return "survived"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cflags", default="")
    parser.add_argument("--libs", required=True)
    parser.add_argument("--sample", default="200")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--files", action="append", default=[])
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    parser.add_argument("tests", nargs="*")
    return parser.parse_args()


def main():
    options = parse_arguments()
    os.environ["SEEDS"] = SEEDS
    is_explained = read_survivors(os.path.join(options.source, "tests/mutate/survivors"))
    patterns = [p for words in options.files for p in words.split()] or ["src/engine/*", "src/nat/*"]
    files = sorted({os.path.relpath(f, options.source)
                    for p in patterns for f in glob.glob(os.path.join(options.source, p))
                    if fnmatch.fnmatch(f, "*.c")})
    mutants = [m for file in files for m in find_mutants(options.source, file)]
    random.Random(options.seed).shuffle(mutants)
    wanted = len(mutants) if options.sample == "all" else int(options.sample)
    if options.list:
        print(*mutants[:wanted], sep="\n", end="")
        return 0
    began = time.monotonic()
    counts = {"refused": 0, "same": 0, "killed": 0, "survived": 0, "explained": 0}
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        bench = Bench(options, scratch)
        bench.time_tests([t for t in options.tests
                          if any(t in bench.original(f)[1] for f in files)])
        jobs = enumerate(mutants)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            running = set()
            while True:
                tried = counts["killed"] + counts["survived"] + counts["explained"]
                while len(running) < min(options.jobs, wanted - tried):
                    job = next(jobs, None)
                    if job is None:
                        break
                    running.add(pool.submit(bench.try_mutant, job))
                if not running:
                    break
                done, running = concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    mutant, fate = future.result()
                    if fate == "survived" and is_explained(mutant):
                        fate = "explained"
                    counts[fate] += 1
                    if fate == "survived":
                        print(mutant, flush=True)
    tried = counts["killed"] + counts["survived"] + counts["explained"]
    print(f"# seed {options.seed}: {tried} of {len(mutants)} mutants: {counts['killed']} killed, "
          f"{counts['survived'] + counts['explained']} survived, {counts['explained']} of them "
          f"explained ({counts['refused']} did not compile, {counts['same']} were no change), "
          f"{time.monotonic() - began:.0f} s")
    return 1 if counts["survived"] > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
